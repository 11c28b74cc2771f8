"""`tuner-component retry`: what is to be run again is in the study, and is run."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.test_retrying import search
from tests.support import programs, simulation
from tuner_component.cli.main import main
from tuner_component.report.loading import load_study
from tuner_component.search.study.study import Study

MODULE = """
    import os
    import keras_tuner
    from tfx.components.tuner.component import TunerFnResult

    class Toy(keras_tuner.Tuner):
        def run_trial(self, trial):
            os.system("echo noise of a program")
            x = trial.hyperparameters.Float("x", 0.0, 1.0)
            if trial.trial_id == "1" and not os.path.exists("mended"):
                raise OSError("no room in slot 7")
            return x

    def tuner_fn(fn_args):
        oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=3, seed=1)
        return TunerFnResult(tuner=Toy(oracle), fit_kwargs={})
"""


@pytest.fixture(name="study")
def _study(tmp_path: Path) -> str:
    """A finished study of which trials 1, 3 and 5 have failed."""
    directory = str(tmp_path / "studies" / "one")
    search(directory, "random", (1, 3, 5))
    return directory


def waiting(directory: str) -> list[str]:
    return [t.trial_id for t in load_study(directory).trials if t.status == "RUNNING"]


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ([], ["1", "3", "5"]),
        (["--trial", "3"], ["3"]),
        (["--cause", "slot 99"], ["1", "3", "5"]),
        (["--trial", "1", "--trial", "5"], ["1", "5"]),
    ],
)
def test_the_next_run_does_it(
    tmp_path: Path,
    study: str,
    arguments: list[str],
    meant: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was asked for would be forgotten, or a finished study not go on."""
    assert main(["retry", str(tmp_path), *arguments]) == 0
    told = capsys.readouterr().out
    assert f"To be run again: {', '.join(meant)}." in told
    assert "Run the same search again" in told
    assert (load_study(study).status, waiting(study)) == ("running", meant)
    # Asked for twice, it is done once.
    assert main(["retry", str(tmp_path), *arguments]) == 0
    assert search(study, "random") == meant
    assert load_study(study).status == "finished"


def test_a_program_may_ask_for_it(
    tmp_path: Path, study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script would have to take sentences apart."""
    assert main(["retry", str(tmp_path), "--trial", "3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["to_be_run"], told["status"]) == (["3"], "running")


def test_status_tells_of_it(
    tmp_path: Path, study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody would know why a finished search runs, or what came of it."""
    main(["retry", study])
    main(["status", study])
    assert "3 failed trials were run again: 3 not ended yet." in capsys.readouterr().out
    search(study, "random", (5,))
    assert main(["status", study]) == 0
    assert "3 failed trials were run again: " in capsys.readouterr().out
    assert main(["status", "--json", study]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["retried"] == {"1": 1, "3": 1, "5": 1}
    assert told["failures"] == {"5": "OSError: no room in slot 5"}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--trial", "0"], 2, "name failed trials: 1, 3, 5. Received: 0, which compl"),
        (["--trial", "99"], 2, "Received: 99, which is none"),
        (["--cause", "ValueError"], 1, "3 failed trials (OSError: no room in slot 1;"),
        (["--cause", ""], 2, "Received: an empty one"),
    ],
)
def test_what_is_not_there_is_said(
    study: str,
    arguments: list[str],
    status: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A mistyped id would end in success, with nothing to be run."""
    assert main(["retry", study, *arguments]) == status
    assert message in capsys.readouterr().err
    assert load_study(study).status == "finished"


def test_a_search_that_runs_is_left_alone(
    study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two processes would write into one journal."""
    options: Any = {"max_trials": 20}
    with Study.open(study, simulation.FINGERPRINT, **options):
        assert main(["retry", study]) == 2
    assert "another" in capsys.readouterr().err.lower()


def test_what_was_published_is_no_study_to_go_on_with(
    tmp_path: Path, study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results without their study cannot go on."""
    (tmp_path / "results").mkdir()
    record = tmp_path / "results" / "study.json"
    record.write_text(load_study(study).to_json())
    assert main(["retry", str(tmp_path / "results")]) == 2
    assert "near its results" in capsys.readouterr().err


def test_damaged_command_is_said(
    tmp_path: Path, study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would end in a stack trace, with the study asked for what nobody will run."""
    (tmp_path / "command.json").write_text("{")
    assert main(["retry", str(tmp_path)]) == 2
    assert "Remove the file" in capsys.readouterr().err
    assert load_study(study).status == "finished"


def test_directory_that_is_gone_is_said(
    tmp_path: Path, study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would end with the number of an error of the system."""
    command = {"arguments": ["tune", "x.py"], "directory": str(tmp_path / "gone")}
    (tmp_path / "command.json").write_text(json.dumps(command))
    assert main(["retry", str(tmp_path)]) == 2
    assert "Expected the directory that the search" in capsys.readouterr().err


@pytest.mark.slow
def test_what_tune_has_started_is_run_at_once(tmp_path: Path) -> None:
    """People would have to look for a command line of last week."""
    (tmp_path / "user.py").write_text(textwrap.dedent(MODULE))
    (tmp_path / "data.csv").write_text("a\n1\n2\n3\n")
    command = ["tune", "user.py", "--train", "data.csv", "--out", "out"]
    command += ["--num-parallel-trials", "0", "--", "--note=kept"]
    imports = ("tuner_component.cli.on_files",)

    def run(*arguments: str, errors: Path | None = None) -> tuple[int, str]:
        return programs.run(
            "tuner_component",
            *arguments,
            directory=tmp_path,
            imports=imports,
            errors=errors,
        )

    status, out = run(*command)
    assert status == 0, out
    before = load_study(tmp_path / "out" / "results")
    assert [t.status for t in before.trials] == ["COMPLETED", "FAILED", "COMPLETED"]
    (tmp_path / "mended").touch()
    errors = tmp_path / "errors.txt"
    status, out = run("retry", "out", "--json", errors=errors)
    assert status == 0, errors.read_text()
    # A program that reads it would stumble over any other line.
    told = json.loads(out)
    assert (told["completed"], told["to_be_run"]) == (3, ["1"])
    assert Path(told["report"]).exists()
    assert "noise of a program" in errors.read_text()
    assert "To be run again: 1." in errors.read_text()
    after = load_study(tmp_path / "out" / "results")
    assert (after.study_id, len(after.completed)) == (before.study_id, 3)
    assert after.trials[1].retried == 1
    # With another module it would be another search.
    (tmp_path / "user.py").write_text(textwrap.dedent(MODULE).replace("7", "8"))
    (tmp_path / "mended").unlink()
    status, out = run(*command)
    assert status == 0, out
    (tmp_path / "user.py").write_text(textwrap.dedent(MODULE).replace("7", "9"))
    status, out = run("retry", "out")
    assert status == 2
    assert "Expected the search of the study" in out
