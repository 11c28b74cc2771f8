"""A study as runs of Weights & Biases, written by its real client and read back."""

from __future__ import annotations

import dataclasses
import math
import os
import socket
import time
from pathlib import Path

import pytest

from tests.report import test_confirmation
from tests.support import processes, studies
from tests.support.wandb_files import Reader
from tests.support.wandb_server import Server
from tuner_component.cli.main import main
from tuner_component.export import wandb_process
from tuner_component.report.record import StudyRecord

# An environment of its own is made on the first run.
pytestmark = pytest.mark.slow
STUDY = studies.DESCRIPTION["id"]


def exported(study: StudyRecord) -> int:
    return wandb_process.export(study, "")


def test_wandb_has_what_the_record_has(offline: Path, reader: Reader) -> None:
    """People would compare other numbers there than here, or be told on."""
    study = studies.big_study(9)
    assert exported(study) == 9
    assert exported(study) == 0
    found = reader.runs(offline)
    # Nothing of this machine: programs, packages, outputs, hosts.
    said = {"header", "run", "config", "metric", "history", "summary", "exit"}
    kinds = {kind for run in found.values() for kind in run["kinds"]}
    assert kinds <= {*said, "telemetry"}
    files = {path.name for path in offline.rglob("files/*")}
    assert files <= {"config.yaml", "wandb-summary.json"}
    assert found.keys() == {STUDY, *(f"{STUDY}-{trial.trial_id}" for trial in study)}
    for trial in study:
        run = found[f"{STUDY}-{trial.trial_id}"]
        assert run["config"] == {
            **trial.hyperparameters,
            "tuner_component.trial": trial.trial_id,
        }
        assert run["exit"] == (0 if trial.status == "COMPLETED" else 1)
        assert (run["group"], run["type"]) == (STUDY, "trial")
        assert (run["project"], run["name"]) == (
            "tuner_component",
            f"trial {trial.trial_id}",
        )
        assert run["summary"].get("best/val_loss") == trial.score
        assert run["summary"].get("cause") == trial.cause
        assert run["summary"]["tuner_component.status"] == trial.status
        for name in trial.executions[0] if trial.executions else ():
            curve = [(row["epoch"], row[name]) for row in run["history"]]
            assert curve == list(enumerate(trial.executions[0][name]))
    assert study.best is not None
    summary = found[STUDY]["summary"]
    assert summary["tuner_component.best_trial"] == study.best.trial_id
    assert summary["best/val_loss"] == study.best.score


def test_new_trials_are_added_and_retried_ones_replaced(
    offline: Path, reader: Reader
) -> None:
    """A search that goes on would be there twice, or stay as it was."""
    text = "Traceback (most recent call last):\nValueError: no"
    begun = [
        *(studies.created("0"), studies.failed("0", text)),
        *(studies.created("1"), studies.ended("1")),
        studies.created("2"),
    ]
    assert exported(studies.study(*begun, status="running")) == 2
    found = reader.runs(offline)
    assert found.keys() == {STUDY, f"{STUDY}-0", f"{STUDY}-1"}
    assert found[f"{STUDY}-0"]["summary"]["cause"] == "ValueError: no"
    assert found[STUDY]["summary"]["tuner_component.status"] == "running"
    record = studies.study(*begun, studies.ended("2"))
    again = dataclasses.replace(
        record.trials[1], trial_id="0", score=0.25, status="COMPLETED"
    )
    record = dataclasses.replace(record, trials=[again, *record.trials[1:]])
    assert exported(record) == 2
    found = reader.runs(offline)
    assert len(found) == 4
    assert found[f"{STUDY}-0"]["summary"]["best/val_loss"] == 0.25
    assert found[STUDY]["summary"]["tuner_component.status"] == "finished"


def test_reruns_are_brought(offline: Path, reader: Reader) -> None:
    """What decides over the best trial would be in the record alone."""
    study = test_confirmation.confirmed(b=(0.3, None))
    assert exported(dataclasses.replace(study, reruns=(), confirmation=None)) == 3
    # The four, and the trial whose confirmation is now known.
    assert exported(study) == 5
    found = reader.runs(offline)
    rerun = found[f"{STUDY}-10001"]
    assert (rerun["name"], rerun["type"]) == ("trial 1, re-run 1", "re-run")
    assert rerun["config"]["tuner_component.confirms"] == "1"
    assert found[f"{STUDY}-20001"]["exit"] == 1
    for run_id in (STUDY, f"{STUDY}-0"):
        summary = found[run_id]["summary"]
        assert summary["confirmed/mean"] == 0.6
        assert summary["confirmed/spread"] == pytest.approx(0.02**0.5)
    assert "confirmed/mean" not in found[f"{STUDY}-1"]["summary"]


def test_any_name_and_number_is_taken(
    offline: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One odd name would keep a whole search out; what is set for another run, too."""
    theirs = {"WANDB_RUN_ID": "mine", "WANDB_RESUME": "must", "WANDB_NAME": "me"}
    theirs |= {"WANDB_SERVICE": "3-1-unix-/nowhere", "WANDB_RUN_GROUP": "us"}
    for name, value in {**theirs, "WANDB_PROJECT": "digits"}.items():
        monkeypatch.setenv(name, value)
    odd = {"a/b": 1, "tuner/epochs": 2, "ü [1] {x}=y": "z" * 9999, "../..": 3, "": 4}
    odd |= {"_wandb": 5, "x_wandb": 6, "tuner_component.trial": 7, "a.b": True}
    odd |= {"-a/b": 8, "a/b--": 9, "-": 10}
    odd |= {"\ud800": None, "nan": math.inf, "n" * 999: 1}
    many = {f"p{i}": i for i in range(250)}
    curve = [{"val_loss": [0.5, None, 0.25], "../x": [1.0, float("nan"), float("inf")]}]
    strange = "a trial/of: #?%'\n" + "t" * 99
    told = studies.ended(strange, values={**odd, **many}, curves=curve)
    study = studies.study(studies.created(strange), told)
    assert exported(study) == 1
    assert exported(study) == 0
    found = reader.runs(offline)
    del found[STUDY]
    ((run_id, run),) = found.items()
    assert len(run_id) <= 64
    assert (run["project"], run["group"]) == ("digits", STUDY)
    assert run["name"] == f"trial {strange}"
    assert len(run["config"]) == len({**odd, **many}) + 1
    assert run["config"]["a/b"] == 1 and run["config"]["tuner/epochs"] == 2
    assert run["config"]["tuner_component.trial"] == strange
    assert run["history"] == [
        {"val_loss": 0.5, "../x": 1.0, "epoch": 0},
        {"val_loss": 0.25, "epoch": 2},
    ]


def test_one_who_is_logged_in_is_told_on_the_server(
    wandb_online: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who logs in later would find a part of the search there, or twice as much."""
    study = studies.big_study(8)
    ids = [f"{STUDY}-{trial.trial_id}" for trial in study]
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert exported(study) == 8
    assert wandb_online.begun == []
    monkeypatch.delenv("WANDB_MODE")
    assert exported(study) == 8
    assert wandb_online.begun == [*ids, STUDY]
    codes = {run_id: int(run_id.endswith("0007")) for run_id in wandb_online.begun}
    assert wandb_online.ended == codes


def test_command_writes_where_it_is_told_to(
    offline: Path,
    reader: Reader,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The flag would be taken for something else, or for nothing."""
    study = studies.directory_of_a_study(tmp_path / "study")
    assert main(["export", str(study), "--wandb", str(tmp_path / "here")]) == 0
    assert capsys.readouterr().out.endswith("here: 1 trial written.\n")
    assert len(reader.runs(tmp_path / "here" / "wandb")) == 2
    assert not offline.exists()


def refused(study: StudyRecord) -> str:
    began, before = time.monotonic(), processes.descendants(os.getpid())
    with pytest.raises(ValueError, match="^Expected ") as error:
        exported(study)
    assert time.monotonic() - began < 80  # Its client waits for a minute and a half.
    assert processes.descendants(os.getpid()) == before
    return str(error.value)


def test_server_that_is_not_there_is_said_at_once(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without a network would hang, now or when it is through."""
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:1")
    assert "ConnectionRefusedError" in refused(studies.study())


def test_nobody_is_asked_for_a_key(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search in a pipeline would wait for somebody to type one."""
    monkeypatch.setenv("WANDB_MODE", "online")
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv(
            "WANDB_BASE_URL", f"http://127.0.0.1:{server.getsockname()[1]}"
        )
        assert "No API key" in refused(studies.big_study(1))


@pytest.mark.parametrize(
    ("name", "value"), [("WANDB_MODE", "disabled"), ("WANDB_DIR", "/proc/none")]
)
def test_nowhere_is_said(
    name: str, value: str, offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export would say that it wrote what is thrown away, or what nobody finds."""
    monkeypatch.setenv(name, value)
    assert name in refused(studies.study())
