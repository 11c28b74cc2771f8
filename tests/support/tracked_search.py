"""A search that trackers are told of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras_tuner

import tuner_component


def fail() -> None:
    """What the third trial does, unless it is told otherwise."""
    raise ValueError("no")


class Toy(keras_tuner.Tuner):
    """Reports two epochs of each trial; the third trial fails, or ends the search.

    Attributes:
        third: Raises what ends it.
    """

    third: Callable[[], object] = staticmethod(fail)

    def run_trial(self, trial: Any) -> Any:
        x = trial.hyperparameters.Float("x", -1.0, 1.0)
        for epoch in range(2):
            tuner_component.report_epoch({"score": x + epoch})
        if trial.trial_id == "2":
            self.third()
        return x


def toy() -> Any:
    """The `tuner_fn`."""
    oracle = keras_tuner.oracles.RandomSearchOracle(
        keras_tuner.Objective("score", "max"), max_trials=4, seed=7
    )
    return Toy(oracle, directory="own", project_name="toy")


def searched(tracker: str | None, **more: Any) -> Any:
    """Searches in `out`, and tells a tracker."""
    trackers = [tracker] if tracker else []
    more = {"trackers": trackers, "skip_preflight": True, **more}
    return tuner_component.tune(toy, directory="out", **more)
