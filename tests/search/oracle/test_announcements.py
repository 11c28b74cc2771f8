"""What is told of a search: printed, at a cost that does not grow, and as events."""

from typing import Any

import pytest

from tests.support import simulation
from tuner_component.search import events
from tuner_component.search.oracle.announcements import Announcer


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
    announcer = Announcer(oracle, verbose=1)
    for score in (2.0, 1.0, None, 3.0):
        shown = trial(oracle, score)
        announcer.trial_started(shown, "w")
        announcer.trial_ended(shown)
    printed = capsys.readouterr().out
    assert "Search: Running Trial #4" in printed
    assert "Trial 4 Complete" in printed
    assert "score: 3.0" in printed
    assert printed.count("Best score So Far: 1.0") == 3


def test_silence_is_kept(oracle: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """`search(verbose=0)` would print all the same."""
    announcer = Announcer(oracle, verbose=1)
    announcer.verbose = 0
    shown = trial(oracle, 1.0)
    announcer.trial_started(shown, "w")
    announcer.trial_ended(shown)
    assert capsys.readouterr().out == ""
    announcer.verbose = "auto"
    assert announcer.verbose == 1


def test_trials_of_earlier_runs_count_for_the_best(
    oracle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A resumed search would call its first trial the best there is."""
    announcer = Announcer(oracle, verbose=1)
    announcer.note(trial(oracle, 0.5))
    shown = trial(oracle, 1.0)
    announcer.trial_started(shown, "w")
    announcer.trial_ended(shown)
    assert "Best score So Far: 0.5" in capsys.readouterr().out


def test_observer_is_told_of_every_trial(oracle: Any) -> None:
    """TensorBoard and the log of a search in process would miss trials."""
    told: list[events.Event] = []
    announcer = Announcer(oracle, verbose=0, observer=told.append)
    good, bad = trial(oracle, 1.0), trial(oracle, None)
    bad.message = "Traceback"
    announcer.trial_started(good, "w")
    announcer.epoch_ended("0", 1, 2, {"score": 3.0})
    announcer.attempt_lost("0", "killed")
    announcer.trial_ended(good)
    announcer.trial_ended(bad)
    assert told == [
        events.TrialStarted("0", "w", good.hyperparameters.values),
        events.EpochEnded("0", 1, 2, {"score": 3.0}),
        events.AttemptLost("0", "killed"),
        events.TrialEnded("0", True, 1.0, None),
        events.TrialEnded("1", False, None, "Traceback"),
    ]


def test_trials_of_earlier_runs_are_no_news(oracle: Any) -> None:
    """A resumed search would tell of all that it did before once more."""
    told: list[events.Event] = []
    Announcer(oracle, verbose=0, observer=told.append).note(trial(oracle, 1.0))
    assert told == []
