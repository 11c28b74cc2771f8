"""What a search prints, at a cost that does not grow."""

from typing import Any

import pytest

from tests.support import simulation
from tuner_component.search.oracle.announcements import SearchDisplay


def trial(oracle: Any, score: float | None) -> Any:
    made = oracle.create_trial(str(score))
    made.score = score
    made.status = "COMPLETED" if score is not None else "FAILED"
    return made


@pytest.fixture(name="oracle")
def _oracle(tmp_path: Any) -> Any:
    oracle = simulation.oracle("random")
    oracle._set_project_dir(str(tmp_path), "p")
    oracle.verbose = 0
    return oracle


def test_trial_and_best_are_printed(
    oracle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A search in process would run for hours without a word."""
    display = SearchDisplay(oracle, verbose=1)
    for score in (2.0, 1.0, None, 3.0):
        shown = trial(oracle, score)
        display.trial_begins(shown)
        display.trial_ended(shown)
    printed = capsys.readouterr().out
    assert "Search: Running Trial #4" in printed
    assert "Trial 4 Complete" in printed
    assert "score: 3.0" in printed
    assert printed.count("Best score So Far: 1.0") == 3


def test_silence_is_kept(oracle: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """`search(verbose=0)` would print all the same."""
    display = SearchDisplay(oracle, verbose=1)
    display.verbose = 0
    shown = trial(oracle, 1.0)
    display.trial_begins(shown)
    display.trial_ended(shown)
    assert capsys.readouterr().out == ""
    display.verbose = "auto"
    assert display.verbose == 1


def test_trials_of_earlier_runs_count_for_the_best(
    oracle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A resumed search would call its first trial the best there is."""
    display = SearchDisplay(oracle, verbose=1)
    display.note(trial(oracle, 0.5))
    shown = trial(oracle, 1.0)
    display.trial_begins(shown)
    display.trial_ended(shown)
    assert "Best score So Far: 0.5" in capsys.readouterr().out
