"""What a trial is worth that ends where it is."""

import math
from typing import Any

import keras
import keras_tuner
import pytest
from keras_tuner.src.engine import objective as objective_module
from keras_tuner.src.engine import tuner_utils

from tuner_component.search.stopping.best_epochs import best_epochs

LOSS = keras_tuner.Objective("loss", "min")


def history(curve: dict[str, list[float]]) -> Any:
    made = keras.callbacks.History()
    made.history = curve
    return made


@pytest.mark.parametrize(
    "curves",
    [
        [{"loss": [3.0, 1.0, 2.0], "other": [0.0, 1.0, 2.0]}],
        [{"loss": [3.0, 1.0]}, {"loss": [5.0, 4.0, 2.0, 2.0]}],
        [{"loss": [1.0, 1.0]}],
    ],
)
@pytest.mark.parametrize("direction", ["min", "max"])
def test_it_is_what_kerastuner_makes_of_histories(curves: Any, direction: str) -> None:
    """A trial would have another score for having been paused."""
    objective = keras_tuner.Objective("loss", direction)
    histories = [history(curve) for curve in curves]
    metrics = tuner_utils.convert_to_metrics_dict(histories, objective)
    step = tuner_utils.get_best_step(histories, objective)
    assert best_epochs(objective, curves) == (metrics, step)


def test_a_sum_of_objectives_has_its_value() -> None:
    """The score would be missing among the metrics."""
    both = objective_module.create_objective(
        [LOSS, keras_tuner.Objective("size", "min")]
    )
    found = best_epochs(both, [{"loss": [2.0, 1.0], "size": [1.0, 1.0]}])
    assert found == ({"loss": 1.0, "size": 1.0, "multi_objective": 2.0}, 1)


@pytest.mark.parametrize("values", [[], [None], [math.nan, math.inf]])
def test_what_never_had_a_value_is_worth_nothing(values: Any) -> None:
    """A diverged trial would complete."""
    assert best_epochs(LOSS, [{"loss": values}]) is None
    assert best_epochs(LOSS, []) is None
    assert best_epochs(LOSS, [{"loss": [*values, 3.0]}]) == ({"loss": 3.0}, len(values))
