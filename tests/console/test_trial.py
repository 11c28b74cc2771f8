"""`show`: all that is known of one trial."""

from __future__ import annotations

import json

import pytest

from tests.console.conftest import Searches, ended
from tests.support import studies
from tuner_component.cli.main import main


@pytest.fixture
def out(searches: Searches) -> str:
    curves = [{"val_loss": [0.9, 0.7, 0.5], "loss": [1.0, None, 0.4]}]
    text = "Traceback (most recent call last):\n  in f\nValueError: \x1b[31mno"
    records = [
        *ended([0.5, 0.25], curves=curves),
        studies.created("02"),
        studies.failed("02", text),
        studies.created("03"),
    ]
    study = searches.study("out/studies/00000000000000ab", *records)
    searches.log(study, "00", "Epoch 1")
    return "out"


def test_all_of_a_trial_is_shown(out: str, capsys: pytest.CaptureFixture[str]) -> None:
    """People would have to open the report in a browser, or to read JSON."""
    assert main(["show", out, "00"]) == 0
    text = capsys.readouterr().out
    for told in (
        "Trial 00 of study 00000000000000ab: completed, val_loss 0.5, place 2 of 2.",
        "  units       8",
        "  val_accuracy  0.95",
        "0.9 -> 0.5",
        "1 -> 0.4",
        "It took 1 min 0 s.",
        "Attempt 1: completed, on worker-0",
        "Seed: 3",
        "Log: out/studies/00000000000000ab/trials/00/log.txt",
    ):
        assert told in text


@pytest.mark.parametrize(("name", "trial"), [("1", "01"), ("best", "01"), ("01", "01")])
def test_trial_is_found_by_what_people_call_it(
    out: str, name: str, trial: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The zeros in front of an id would have to be typed."""
    assert main(["show", out, name]) == 0
    assert capsys.readouterr().out.startswith(f"Trial {trial} of")


def test_failure_is_shown_and_not_obeyed(
    out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A traceback would be hidden, or steer the terminal."""
    assert main(["show", out, "2"]) == 0
    text = capsys.readouterr().out
    assert "  ValueError: \\x1b[31mno" in text and "\x1b" not in text


def test_running_trial_is_shown(out: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A trial could be looked at only when it is over."""
    assert main(["show", out, "3"]) == 0
    assert "running" in capsys.readouterr().out.splitlines()[0]


def test_trial_for_programs_is_json(
    out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script would have to read text, or all of study.json."""
    assert main(["show", "--json", out, "0"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["trial_id"], told["metrics"]["val_accuracy"]) == ("00", 0.95)
    assert told["log"].endswith("/trials/00/log.txt")


def test_unknown_trial_is_an_error_that_names_the_others(
    out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typo would end in a stack trace."""
    assert main(["show", out, "99"]) == 2
    assert "00, 01, 02, 03. Received: 99." in capsys.readouterr().err
