"""What an oracle hears of curves, and of trials that were stopped."""

import math
from typing import Any

import keras_tuner
import pytest

from tuner_component.search.constraint import Constraint
from tuner_component.search.goals.front import Point
from tuner_component.search.goals.goals import Goals
from tuner_component.search.stopping import curve_hearing

LOSS = keras_tuner.Objective("loss", "min")


class Hearing(keras_tuner.Oracle):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(LOSS, 9)
        self.heard: list[Any] = []

    def learn_curve(self, *told: Any) -> None:
        self.heard.append(told)


@pytest.mark.parametrize(
    ("rule", "stopped_after"), [("asha", 2), ("median", 2), ("patience", None)]
)
def test_only_what_could_go_on_is_told_as_stopped(
    rule: str, stopped_after: int | None
) -> None:
    """What no longer improves would be tried again."""
    oracle = Hearing()
    ended = {"curves": [{"loss": [3.0, 2.0]}], "stopped": {"rule": rule, "epoch": 1}}
    curve_hearing.tell(oracle, "7", ended)
    assert oracle.heard == [("7", [3.0, 2.0], stopped_after)]


def test_an_oracle_that_does_not_listen_is_told_nothing() -> None:
    """KerasTuner's own would raise."""
    curve_hearing.tell(keras_tuner.oracles.RandomSearchOracle(LOSS, 9), "7", {})


def test_a_trial_without_a_curve_is_heard_of_as_well() -> None:
    """A training loop that reports no epochs would end the search."""
    oracle = Hearing()
    curve_hearing.tell(oracle, "7", {"curves": [{}]})
    assert oracle.heard == [("7", [], None)]


def test_the_curve_is_of_the_best_so_far_in_all_trainings() -> None:
    """A score is the mean of the best epochs of all trainings of a trial."""
    fits = [{"loss": [3.0, 4.0, 1.0], "other": [0.0]}, {"loss": [5.0, 3.0]}]
    assert curve_hearing.best_so_far(LOSS, fits) == [4.0, 3.0]
    larger = keras_tuner.Objective("loss", "max")
    assert curve_hearing.best_so_far(larger, fits[:1]) == [3.0, 4.0, 4.0]


def test_epochs_without_a_value_keep_the_best_before_them() -> None:
    """A diverged epoch, or one without validation, would hide all others."""
    [first, *later] = curve_hearing.best_so_far(
        LOSS, [{"loss": [None, 2.0, None, math.nan, math.inf, 1.0]}]
    )
    assert math.isnan(first)
    assert later == [2.0, 2.0, 2.0, 2.0, 1.0]


class Pursuing(keras_tuner.Oracle):  # type: ignore[misc]
    """One that has goals, and listens."""

    def __init__(self, *constraints: Constraint) -> None:
        super().__init__([LOSS, keras_tuner.Objective("size", "min")], 9)
        names = (("loss", "min"), ("size", "min"))
        self.goals = Goals(names, constraints, pareto=True)
        self.heard: list[Any] = []

    def learn_points(self, *told: Any) -> None:
        self.heard.append(told)


def test_points_are_what_the_trial_would_come_to() -> None:
    """Values of several epochs would make points that no model has."""
    oracle = Pursuing(Constraint("size", "<=", 4.0))
    curve = {"loss": [None, 3.0, 1.0, 9.0, math.nan], "size": [1.0, 4.0, 8.0, 1.0, 1.0]}
    curve_hearing.tell(oracle, "7", {"curves": [curve]})
    first = Point(0.0, (3.0, 4.0))
    ((trial_id, points),) = oracle.heard
    # The sum decides which epoch is the best: 7, then 9, then 10.
    assert (trial_id, points) == ("7", [None, first, first, first, first])
    curve["size"][2] = 5.0
    curve_hearing.tell(oracle, "8", {"curves": [curve]})
    second = Point(0.25, (1.0, 5.0))
    assert oracle.heard[1] == ("8", [None, first, second, second, second])


def test_points_of_several_trainings_are_their_means() -> None:
    """A trial would be judged by its first training."""
    oracle = Pursuing()
    fits = [{"loss": [1.0], "size": [2.0]}, {"loss": [3.0, 0.0], "size": [4.0, 4.0]}]
    curve_hearing.tell(oracle, "7", {"curves": fits})
    assert oracle.heard == [("7", [Point(0.0, (2.0, 3.0))])]
