"""Looking at studies from the command line: right answers, and errors for people."""

import dataclasses
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support import studies
from tests.support.project import ROOT
from tests.support.reports import data_of
from tuner_component.cli.main import main
from tuner_component.report.loading import load_study


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    """The TunerResults artifact of a finished search."""
    (tmp_path / "study.json").write_text(studies.big_study(30).to_json())
    return tmp_path


def test_status_tells_how_it_goes(
    artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only a notebook could say how a search is going."""
    assert main(["status", str(artifact)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "29 of 30 trials completed, 1 failed." in lines
    assert "  1 x ValueError: 7" in lines


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_status_shows_any_message_on_any_terminal(
    tmp_path: Path, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file name that is not UTF-8 would end `status`, or a trial steer the terminal."""
    name = os.fsdecode(b"caf\xe9.csv")
    text = f"Traceback (most recent call last):\nOSError: {name} – \x1b[31m{'y' * 9999}"
    study = studies.study(studies.created("0"), studies.failed("0", text))
    (tmp_path / "study.json").write_text(study.to_json())
    shown = io.BytesIO()
    terminal = io.TextIOWrapper(shown, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["status", str(tmp_path)]) == 0
    terminal.flush()
    (line,) = [
        line for line in shown.getvalue().decode(encoding).splitlines() if "1 x" in line
    ]
    dash = "–" if encoding == "utf-8" else "\\u2013"
    assert line.startswith(f"  1 x OSError: caf\\udce9.csv {dash} \\x1b[31myyy")
    assert len(line) < 500


def test_status_for_programs_is_json(
    artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script would have to parse sentences."""
    assert main(["status", "--json", str(artifact)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["completed"], facts["failed"], facts["running"]) == (29, 1, [])


def test_status_of_a_running_search_names_its_workers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A search could not be looked at before it is over."""
    directory = studies.directory_of_a_study(tmp_path / "study")
    assert main(["status", str(directory)]) == 0
    assert "running" in capsys.readouterr().out


def test_status_tells_what_to_expect_of_going_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether more trials are worth it, or why there are fewer, were not to be seen."""
    ends = {"kind": "decided", "text": "Ended.", "time": 2.0, "ends": True}
    prospect = {"kind": "prospect", "trials": 10, "gain": 0.003, "noise": 0.002}
    study = studies.study(studies.created("0"), prospect, ends)
    (tmp_path / "study.json").write_text(study.to_json())
    assert main(["status", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "Ended." in lines
    told = "10 more trials are expected to lower val_loss by 0.003 (noise: 0.002)."
    assert told in lines
    assert main(["status", "--json", str(tmp_path)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["ended_because"] == "Ended."
    assert facts["prospect"]["gain"] == 0.003


def test_status_names_paused_trials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They would look as if they ran, or as if they were lost."""
    paused = [studies.created("0"), studies.paused("0", epoch=8)]
    study = studies.study(*paused, studies.created("1"), status="running")
    (tmp_path / "study.json").write_text(study.to_json())
    assert main(["status", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  trial 0 after epoch 9" in lines
    assert "0 of 20 trials completed, 0 failed." in lines
    assert not any("trial 0 on worker" in line for line in lines)
    assert main(["status", "--json", str(tmp_path)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["running"], facts["paused"]) == (["1"], {"0": 9})


def test_study_is_found_below_what_people_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """People would have to know the fingerprint of their search."""
    (tmp_path / ".system").mkdir()
    (tmp_path / ".system" / "studies").mkdir()
    studies.directory_of_a_study(tmp_path / ".system" / "studies" / "0123456789abcdef")
    assert main(["status", str(tmp_path)]) == 0
    assert "0123456789abcdef" in capsys.readouterr().out


def test_best_is_for_people(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """People would be shown a line of JSON with the whole search space in it."""
    assert main(["best", str(artifact)]) == 0
    lines = capsys.readouterr().out.splitlines()
    best = studies.big_study(30).best
    assert best is not None
    said = (
        f"Trial {best.trial_id}: val_loss {best.score:.6g}, the best of 29 completed."
    )
    assert lines[0] == said
    assert f"  units       {best.hyperparameters['units']}" in lines


def test_best_for_programs_tells_all_of_the_trial(
    artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script would have the values, and not which trial and score they are of."""
    assert main(["best", str(artifact), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    best = studies.big_study(30).best
    assert best is not None
    assert (told["trial"], told["score"]) == (best.trial_id, best.score)
    assert told["hyperparameters"] == best.hyperparameters
    assert main(["best", str(artifact), "--json", "--format", "yaml"]) == 2
    assert "Expected --json or --format" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_best_values_can_be_read_elsewhere(
    artifact: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The result would have to be copied by hand."""
    assert main(["best", str(artifact), "--format", form]) == 0
    values = yaml.safe_load(capsys.readouterr().out)
    best = studies.big_study(30).best
    assert best is not None and values == best.hyperparameters


def test_best_text_is_what_an_importer_takes(artifact: Path) -> None:
    """The Trainer's module could not load the file."""
    pytest.importorskip("keras_tuner")
    from tuner_component import load_best_hyperparameters

    path = artifact / "best_hyperparameters.txt"
    assert main(["best", str(artifact), "--output", str(path)]) == 0
    loaded = load_best_hyperparameters(artifact)
    best = studies.big_study(30).best
    assert best is not None and loaded.values == best.hyperparameters
    assert [hp.name for hp in loaded.space] == ["units", "rate", "activation"]


def test_report_is_drawn_anew(
    artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A search that runs, or failed, would have no report."""
    path = artifact / "again.html"
    assert main(["report", str(artifact), "--output", str(path)]) == 0
    assert path.read_text().startswith("<!DOCTYPE html>")
    capsys.readouterr()
    assert main(["report", str(artifact), "--output", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "report": str(path),
        "studies": [load_study(str(artifact)).study_id],
    }


@pytest.mark.parametrize(
    "command", [["best", "--output"], ["report", "--output"], ["export", "--csv"]]
)
def test_directory_of_a_file_is_made(
    artifact: Path, command: list[str], tmp_path: Path
) -> None:
    """Who copies a command of the documentation would be told to mend the filesystem."""
    path = tmp_path / "not" / "there" / "yet"
    name, flag = command
    assert main([name, str(artifact), flag, str(path)]) == 0
    assert path.stat().st_size


def test_report_shows_another_study_beside_it(
    artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two searches could only be compared by hand."""
    other = studies.directory_of_a_study(tmp_path / "other", id="another")
    path = tmp_path / "report.html"
    assert main(["report", str(artifact), str(other), "--output", str(path)]) == 0
    shown = data_of(path.read_text())["versus"]["studies"]
    assert len(shown) == 2 and shown[1] == "another"
    missing = str(tmp_path / "missing")
    assert main(["report", str(artifact), missing, "--output", str(path)]) == 2
    assert missing in capsys.readouterr().err


def test_no_result_yet_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script would go on with an empty file."""
    (tmp_path / "study.json").write_text(studies.study().to_json())
    assert main(["best", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "Expected a completed trial" in said
    assert "Received: 0 trials, 0 of them completed. See" in said


def test_nothing_is_best_without_an_objective(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The worst trial of a search would be named the best one."""
    record = dataclasses.replace(studies.study(studies.ended("0")), objective=None)
    (tmp_path / "study.json").write_text(record.to_json())
    assert main(["status", str(tmp_path)]) == 0
    assert "the objective is lost" in capsys.readouterr().out
    assert main(["best", str(tmp_path)]) == 1
    assert "no record of the objective" in capsys.readouterr().err


def test_wrong_path_is_an_error_of_one_paragraph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped path would end in a stack trace."""
    assert main(["status", str(tmp_path / "no")]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("tuner-component: Expected a study")
    assert "Traceback" not in captured.err and captured.out == ""


def test_a_look_imports_no_search() -> None:
    """`status` would take as long as TensorFlow takes to import."""
    code = (
        "import sys\n"
        "for name in ('tensorflow', 'tfx', 'keras_tuner', 'plotly'):\n"
        "    sys.modules[name] = None\n"
        "from tuner_component.cli.main import main\n"
        "sys.exit(main(['status', '/nowhere']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr


def test_reader_that_has_seen_enough_is_no_error(artifact: Path) -> None:
    """`status OUT | head -1` would end in a complaint about a pipe."""
    command = f"{sys.executable} -m tuner_component show {artifact} best --json"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}"],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
