"""`logs`: what a trial printed, also as it prints it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.console.conftest import Searches, dead
from tests.support import studies
from tuner_component.cli.main import main
from tuner_component.console import logs
from tuner_component.search.journal.journal import Journal

STUDY = "out/studies/00000000000000ab"


@pytest.fixture
def study(searches: Searches) -> Path:
    return searches.study(STUDY, studies.created("00"), studies.created("01"))


def test_log_is_printed_as_it_is(
    study: Path, searches: Searches, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Progress bars and what is not UTF-8 would be changed, or be an error."""
    searches.log(study, "00", "").write_bytes(b"Epoch 1\r\x1b[1mcaf\xe9\n")
    assert main(["logs", "out", "0"]) == 0
    assert capfdbinary.readouterr().out == b"Epoch 1\r\x1b[1mcaf\xe9\n"


def test_what_is_not_there_is_explained(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """People would take nothing for the log of a trial that prints nothing."""
    assert main(["logs", "out", "1"]) == 1
    assert "Expected the log of trial 01 at out/studies" in capsys.readouterr().err


def test_results_alone_have_no_logs(
    searches: Searches, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy of an artifact would end in a stack trace."""
    (searches.root / "study.json").write_text(studies.big_study(8).to_json())
    assert main(["logs", ".", "1"]) == 2
    assert "near its results" in capsys.readouterr().err


def test_following_ends_with_the_trial(
    study: Path,
    searches: Searches,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What comes would not be seen, or the command would wait for ever."""
    log = searches.log(study, "00", "Epoch 1\n")
    moments = iter(range(1000))
    # Each wait takes a second, in which the trial prints a line; the third one is its end.
    waited = []

    def goes_on(seconds: float) -> None:
        waited.append(seconds)
        with log.open("a") as file:
            file.write(f"Epoch {len(waited) + 1}\n")
        if len(waited) == 3:
            journal = Journal(str(study / "journal"), study.name)
            journal.append(studies.ended("00"))
            journal.commit()

    # That of this module alone: other tests may have left threads, which sleep as well.
    clock = SimpleNamespace(monotonic=lambda: float(next(moments)), sleep=goes_on)
    monkeypatch.setattr(logs, "time", clock)
    assert main(["logs", "-f", "out", "00"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [f"Epoch {number}" for number in range(1, 5)]
    assert lines == [f"Epoch {n + 1}" for n in range(len(lines))]  # None twice.


def test_following_ends_when_nobody_works_on_the_search(
    study: Path, searches: Searches, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would wait for a trial that was killed."""
    searches.log(study, "00", "Epoch 1\n")
    searches.held(study, pid=dead())
    assert main(["logs", "--follow", "out", "00"]) == 0
    assert capsys.readouterr().out == "Epoch 1\n"
