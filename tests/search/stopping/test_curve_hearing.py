"""What an oracle hears of curves, and of trials that were stopped."""

import math
from typing import Any

import keras_tuner
import pytest

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
