"""What trials and points may come to, and what that takes."""

from __future__ import annotations

import keras_tuner
import numpy as np

from tuner_component.planner.encoding import Encoder
from tuner_component.planner.outlook import Outlook
from tuner_component.planner.rungs import Rungs
from tuner_component.planner.trials import Status, Trials
from tuner_component.search.space.dimensions import dimensions


def _outlook(epochs: int) -> tuple[Outlook, Trials]:
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 0.0, 1.0)
    encoder, rungs = Encoder(dimensions(hp.space)), Rungs(epochs)
    trials = Trials(rungs)
    trials.add("a", encoder, {"rate": 0.5})
    trials["a"].take(3, 0.4)
    trials["a"].epoch_s = 2.0
    return Outlook(encoder, trials, rungs, seed=0), trials


def test_seconds_count_to_the_end_and_to_the_next_rung_by_turns() -> None:
    """Either nothing new would be tried where one look tells much, or nothing would be
    trained to the end where there is always something new.
    """
    outlook, trials = _outlook(27)
    vectors = np.array([[0.5], [0.1]])  # That of the trial, and one of a new point.
    trials.seen.append(("a", 1))
    assert outlook.seconds_left(["a"], vectors).tolist() == [2.0 * 6, 2.0 * 1]
    trials.seen.append(("a", 3))
    assert outlook.seconds_left(["a"], vectors).tolist() == [2.0 * 24, 2.0 * 27]


def test_what_has_to_begin_takes_longer_than_what_runs() -> None:
    """Where models take long to compile, each would train for a moment at a time."""
    outlook, trials = _outlook(27)
    trials.start_s = 10.0
    vectors = np.array([[0.5], [0.1]])
    assert outlook.seconds_left(["a"], vectors).tolist() == [2.0 * 24, 10.0 + 2.0 * 27]
    trials["a"].status = Status.PAUSED
    assert outlook.seconds_left(["a"], vectors).tolist() == [10.0 + 48.0, 10.0 + 54.0]
