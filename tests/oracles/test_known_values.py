"""What a planner is told that trials came to."""

from __future__ import annotations

import math

import keras_tuner
import pytest
from keras_tuner.engine.trial import Trial

from tuner_component.oracles.known_values import KnownValues
from tuner_component.oracles.turns import Turns
from tuner_component.planner.rungs import Rungs
from tuner_component.search.goals.front import Point
from tuner_component.search.goals.goals import Goals

GOALS = Goals((("val_loss", "min"), ("size", "min")), pareto=True)


def _known(epochs: int | None = 9) -> KnownValues:
    return KnownValues(Rungs(epochs), epochs)


def _trial(status: str, score: float | None = None) -> Trial:
    trial = Trial(keras_tuner.HyperParameters(), trial_id="0", status=status)
    trial.score = score
    return trial


def test_a_curve_counts_before_a_score() -> None:
    """A stopped trial's best value would be told of its first epoch already."""
    known = _known()
    known.curves["0"] = [3.0, 2.0]
    trial = _trial("COMPLETED", 1.0)
    assert [known.value(trial, epochs) for epochs in (1, 2, 9)] == [3.0, 2.0, 1.0]


def test_a_failed_trial_keeps_what_it_had_and_has_failed_after_it() -> None:
    """It would be taken for good after all of its epochs, or for bad before."""
    known = _known()
    known.curves["0"] = [3.0]
    assert known.value(_trial("FAILED"), 1) == 3.0
    assert math.isnan(known.value(_trial("FAILED"), 3) or 0.0)


def test_nothing_is_known_of_epochs_to_come() -> None:
    """A trial that runs again after a crash would be told of as failed."""
    assert _known().value(_trial("RUNNING"), 1) is None


@pytest.mark.parametrize(
    ("epochs", "curve", "expected"),
    [
        (9, [4.0, 3.0, 2.0, 1.0], [1, 3, 4]),
        (None, [4.0, 3.0, 2.0, 1.0], [1, 3, 4]),
        (9, [], [9]),
        (None, [], [1]),
    ],
)
def test_it_is_told_at_rungs_and_at_the_end(
    epochs: int | None, curve: list[float], expected: list[int]
) -> None:
    """A planner would miss a last value, or a trial that tells of no epochs."""
    known = _known(epochs)
    known.curves["0"] = curve
    assert known.looks("0") == expected


def test_of_several_objectives_the_turn_makes_one_number() -> None:
    """The objective alone would decide in a search for a front."""
    known = _known()
    known.turns = Turns(GOALS, seed=5)
    assert known.value(_trial("RUNNING"), 1) is None
    assert math.isnan(known.value(_trial("FAILED"), 1) or 0.0)
    known.turns.learn("0", [Point(0.0, (1.0, 2.0)), Point(0.0, (0.5, 2.0))])
    trial = _trial("COMPLETED", 0.5)
    assert known.value(trial, 1) == known.turns.value("0", 1)
    # One that ended has its last value after more epochs; one that failed has none.
    assert known.value(trial, 9) == known.turns.value("0", 2)
    assert math.isnan(known.value(_trial("FAILED"), 9) or 0.0)
