"""What is known of trials."""

from __future__ import annotations

import math

import numpy as np

from tuner_component.planner.rungs import Rungs
from tuner_component.planner.trials import Status, Trial, Trials


def _trial(number: float, **known: bool) -> Trial:
    point = np.array([number])
    return Trial((number,), point, point, **known)


def test_a_value_is_the_best_one_by_then() -> None:
    """A trial that has become worse would count as if it had lost its best epoch."""
    trial = _trial(0)
    for epochs, value in ((1, 0.5), (3, 0.2), (9, 0.4)):
        assert trial.take(epochs, value)
    assert trial.reached == {1: 0.5, 3: 0.2, 9: 0.2}
    assert not trial.take(9, 0.1)  # Heard twice, as after a resume.
    assert (trial.best, trial.epochs) == (0.2, 9)


def test_what_diverged_has_its_best_value_but_not_more_epochs() -> None:
    """The best epoch would be lost, or a diverged training count as a whole one."""
    trial = _trial(0)
    trial.take(3, 0.2)
    trial.take(9, math.nan)
    assert (trial.best, trial.epochs) == (0.2, 3)
    assert math.isnan(trial.reached[9])


def test_earlier_results_are_none_of_this_search() -> None:
    """The limit of trials, or the best model, would be that of another search."""
    trials = Trials(Rungs(9))
    trials["earlier"], trials["own"] = _trial(0, earlier=True), _trial(1)
    trials["earlier"].take(9, 0.1)
    trials["own"].take(1, 0.5)
    assert (trials.own, trials.best, trials.leader) == (1, 0.5, "own")
    assert trials.tried == {(1,)}
    assert trials.of_status(Status.RUNNING) == ["earlier", "own"]


def _seen(trials: Trials, *seen: tuple[str, int, float]) -> list[tuple[str, int]]:
    for name, epochs, value in seen:
        trials.setdefault(name, _trial(len(trials))).take(epochs, value)
    return [(name, epochs) for name, epochs, _ in seen]


def test_what_failed_after_its_last_epoch_is_no_training_to_the_end() -> None:
    """It is the longest of all, and would alone say how sure the model may be."""
    trials = Trials(Rungs(9))
    seen = _seen(
        *(trials, ("a", 3, 0.5), ("a", 9, 0.4), ("b", 9, 0.3), ("c", 9, 0.1)),
        *(("c", 10, math.nan), ("d", 9, math.nan)),
    )
    assert trials.ends(seen).tolist() == [1, 2, 3]


def test_an_earlier_training_that_was_longer_is_not_the_only_end() -> None:
    """A search that is shorter than the one before would learn nothing of its own."""
    trials = Trials(Rungs(9))
    seen = _seen(trials, ("earlier", 50, 0.2), ("a", 9, 0.4), ("b", 3, 0.5))
    assert trials.ends(seen).tolist() == [0, 1]


def test_what_ended_by_itself_has_come_to_its_end() -> None:
    """With early stopping, only the longest training of all would count."""
    trials = Trials(Rungs(None))
    seen = _seen(trials, ("a", 3, 0.5), ("a", 7, 0.4), ("b", 9, 0.5), ("c", 9, 0.3))
    trials["a"].is_whole = trials["c"].is_whole = True
    trials.ended_after = 9
    assert trials.ends(seen).tolist() == [1, 2, 3]


def test_the_longest_tell_as_long_as_none_has_ended() -> None:
    """Nothing would be known before the first training to the end."""
    trials = Trials(Rungs(9))
    seen = _seen(
        trials, ("a", 1, 0.5), ("a", 3, 0.4), ("b", 1, 0.5), ("b", 4, math.nan)
    )
    assert trials.ends(seen).tolist() == [1]
    assert trials.ends(seen[3:]).tolist() == []
