"""Weights & Biases while a search runs: what it is told, and what it costs when it fails."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.export.conftest import PATIENCE_S
from tests.support import crashes, processes, studies, tracked_search
from tests.support.wandb_files import Reader
from tests.support.wandb_server import Server
from tuner_component.cli.main import main
from tuner_component.export import tracking
from tuner_component.search import events

# An environment of its own is made on the first run.
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def searched(tracker: str | None = "wandb", **more: Any) -> Any:
    return tracked_search.searched(tracker, **more)


def by_trial(runs: dict[str, Any]) -> dict[str, Any]:
    """Runs by their trials; that of the study is "study"."""
    return {
        run["config"].get("tuner_component.trial", "study"): run
        for run in runs.values()
    }


def check(study: Any, runs: dict[str, Any]) -> None:
    """That wandb has what the record has."""
    found = by_trial(runs)
    assert len(found) == len(runs)
    trials = [*study.trials, *study.reruns]
    assert found.keys() == {"study", *(trial.trial_id for trial in trials)}
    for trial in trials:
        run = found[trial.trial_id]
        assert run["config"]["x"] == trial.hyperparameters["x"]
        assert run["summary"].get("best/score") == trial.score
        assert run["summary"].get("cause") == trial.cause
        assert run["exit"] == (0 if trial.status == "COMPLETED" else 1)
        curve = [row["score"] for row in run["history"]]
        assert curve == trial.executions[0]["score"]
    assert found["study"]["summary"]["tuner_component.status"] == "finished"


def test_search_is_told_while_it_runs(
    offline: Path, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    """People would see other numbers than ours, and nothing of re-runs."""
    before = processes.descendants(os.getpid())
    study = searched(confirm_top=2, confirm_seeds=1).study
    check(study, reader.runs(offline))
    found = by_trial(reader.runs(offline))
    for rerun in study.reruns:
        name = f"trial {rerun.confirms}, re-run 1"
        assert found[rerun.trial_id]["name"] == name
    mean = study.confirmation.confirmed[0].mean
    assert found["study"]["summary"]["confirmed/mean"] == mean
    assert "Going on without" not in caplog.text
    assert f"offline runs in {offline}" in caplog.text
    assert processes.descendants(os.getpid()) == before


def test_search_in_workers_is_told(offline: Path, reader: Reader) -> None:
    """Trials in other processes would be left out."""
    check(searched(num_parallel_trials=2).study, reader.runs(offline))


def killed(directory: Path, path: list[str]) -> None:
    """Kills the search once wandb has files of two trials and of the one that runs."""

    def third() -> None:
        deadline = time.monotonic() + PATIENCE_S
        while len(list(directory.glob("wandb/*-[012]"))) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        told = processes.descendants(os.getpid())
        Path("told").write_text(" ".join(map(str, told)))
        os.kill(os.getpid(), signal.SIGKILL)

    # This process was forked before the test: it knows nothing of it.
    os.chdir(directory)
    os.environ.update(WANDB_MODE="offline", WANDB_DIR=str(directory))
    sys.path[:] = path
    tracked_search.Toy.third = staticmethod(third)
    searched()


def test_killed_search_is_told_once(
    offline: Path, reader: Reader, tmp_path: Path
) -> None:
    """Trials would be there twice, or stay cut off."""
    path = sys.path
    assert not crashes.run(lambda: killed(tmp_path, path))
    # Who told it ends as well.
    told = [int(pid) for pid in Path("told").read_text().split()]
    processes.wait_until_gone(told, 60)
    found = by_trial(reader.runs(offline))
    assert found.keys() == {"0", "1", "2"}
    assert found["2"]["exit"] == 1 and "preempting" in found["2"]["kinds"]
    check(searched().study, reader.runs(offline))


def test_paused_trial_goes_on_in_its_run(offline: Path, reader: Reader) -> None:
    """Its first epochs would be lost, or be another trial."""
    path = str(next(Path(searched(None).directory, "studies").iterdir()))
    tracker = tracking.Tracker("wandb", path)
    tracker(events.SearchStarted(path, "score", "max", workers=1))
    for epoch in (0, 1):
        tracker(events.TrialStarted("9", "worker-0", {"x": 0.5}))
        metrics = {"score": 0.25 * epoch, "nan": float("nan")}
        tracker(events.EpochEnded("9", 0, epoch, metrics))
        tracker(events.TrialPaused("9", epoch + 1))
    # Another one, so that two are open at once.
    tracker(events.TrialStarted("r", "worker-0", {"x": 0.5}, confirms="9"))
    tracker(events.EpochEnded("r", 0, 0, {"score": 1.0}))
    tracker(events.TrialEnded("r", True, 1.0, confirms="9"))
    tracker.close(PATIENCE_S)
    found = by_trial(reader.runs(offline))
    assert found["9"]["history"] == [
        {"score": 0.0, "epoch": 0},
        {"score": 0.25, "epoch": 1},
    ]
    assert "preempting" in found["9"]["kinds"]
    assert found["r"]["name"] == "trial 9, re-run"
    # Of the others it was told nothing: what is missing was brought.
    assert found.keys() == {"study", "0", "1", "2", "3", "9", "r"}


def test_epochs_that_were_not_told_are_brought(offline: Path, reader: Reader) -> None:
    """A training that goes on from what was saved would lack its beginning."""
    study = searched(None).study
    path = str(next(Path("out", "studies").iterdir()))
    tracker = tracking.Tracker("wandb", path)
    tracker(events.SearchStarted(path, "score", "max", workers=0))
    tracker(events.TrialStarted("1", "worker-0", {}))
    tracker(events.EpochEnded("1", 0, 1, {"score": 1.0}))
    tracker(events.TrialEnded("1", True, study["1"].score))
    tracker.close(PATIENCE_S)
    check(study, reader.runs(offline))


@pytest.mark.parametrize("why", ["nobody", "not installed"])
def test_tracker_that_fails_costs_one_warning(
    why: str, offline: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A server that is down would end a night's search, or fill its log."""
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:1")
    if why == "not installed":
        monkeypatch.setattr(sys, "path", sys.path[:-1])
    assert len(searched().trials) == 3
    said = capsys.readouterr().out
    assert said.count("Going on without the tracker wandb") == 1
    assert "--wandb` brings what is missing" in said


def test_server_that_falls_silent_is_not_waited_for(
    wandb_online: Server, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A search would end when a server does, or what was told would be told again."""
    before = processes.descendants(os.getpid())
    monkeypatch.setattr(tracking, "_PATIENCE_S", 0.5)
    wandb_online.silent_after = 1

    def third() -> None:
        assert wandb_online.fell_silent.wait(PATIENCE_S)
        tracked_search.fail()

    monkeypatch.setattr(tracked_search.Toy, "third", staticmethod(third))
    assert len(searched().trials) == 3
    assert "not taken everything within 0.5 seconds" in capsys.readouterr().out
    assert processes.descendants(os.getpid()) == before
    assert len(wandb_online.ended) == 1
    wandb_online.silent_after = None
    del wandb_online.begun[:]
    assert main(["export", "out", "--wandb"]) == 0
    # The study's own, and all trials: when the first began, it had no values yet.
    assert len(wandb_online.begun) == len(wandb_online.ended) == 5


_PROGRAM = """
import sys
from tuner_component.export import tracking
from tuner_component.search import events

tracking._PATIENCE_S = 5.0
with tracking.watching(["wandb"], sys.argv[1]) as (tell,):
    tell(events.SearchStarted(sys.argv[1], "score", "max", workers=0))
    tell(events.TrialStarted("0", "worker-0", {"x": 0.5}))
"""


def test_server_that_is_silent_keeps_no_program(
    offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would never end: wandb's client waits for a server when its process ends."""
    study = studies.directory_of_a_study(tmp_path / "study")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("WANDB_BASE_URL", address)
        command = [sys.executable, "-c", _PROGRAM, str(study)]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=PATIENCE_S
        )
    assert done.returncode == 0
    assert done.stderr.count("has not taken everything within 5 seconds") == 1
