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
