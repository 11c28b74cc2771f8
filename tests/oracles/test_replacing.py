"""A search that is named, in the place of a tuner's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import pytest

from tests.support import simulation
from tuner_component.oracles import AutoOracle, OptunaOracle
from tuner_component.oracles.replacing import replace_oracle


class Still(keras_tuner.engine.base_tuner.BaseTuner):
    """A tuner that is only looked at."""


def tuner_of(oracle: Any, directory: Path) -> Any:
    return Still(oracle, directory=str(directory), project_name="mine")


def test_settings_and_space_stay(tmp_path: Path) -> None:
    """The search would have other trials, other limits, or another objective."""
    own = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("auc", "max"),
        max_trials=7,
        seed=5,
        hyperparameters=simulation.space(dimensions=2),
        allow_new_entries=False,
        tune_new_entries=False,
        max_retries_per_trial=2,
        max_consecutive_failed_trials=4,
    )
    own.verbose = 0
    tuner = tuner_of(own, tmp_path)
    assert replace_oracle(tuner, "tpe", {"epochs": 3}) == {"epochs": 3}
    assert isinstance(tuner.oracle, OptunaOracle)
    for name in (
        *("objective", "max_trials", "seed", "hyperparameters", "allow_new_entries"),
        *("tune_new_entries", "max_retries_per_trial", "directory", "project_name"),
        *("max_consecutive_failed_trials", "verbose"),
    ):
        assert getattr(tuner.oracle, name) == getattr(own, name), name


@pytest.mark.parametrize("search", ["tpe", "qmc", "random"])
def test_points_are_of_the_tuners_space(search: str, tmp_path: Path) -> None:
    """The model would be built with its defaults, again and again."""
    hp = simulation.space(dimensions=2)
    own = keras_tuner.oracles.BayesianOptimizationOracle(
        simulation.OBJECTIVE, max_trials=5, hyperparameters=hp
    )
    tuner = tuner_of(own, tmp_path)
    replace_oracle(tuner, search, {})
    values = tuner.oracle.populate_space("0")["values"]
    assert set(values) == set(hp.values)


@pytest.mark.parametrize("iterations", [1, 2])
def test_hyperband_keeps_its_epochs(iterations: int, tmp_path: Path) -> None:
    """A search in place of Hyperband's would train each trial for one epoch, for ever."""
    own = keras_tuner.oracles.HyperbandOracle(
        simulation.OBJECTIVE,
        max_epochs=9,
        factor=3,
        hyperband_iterations=iterations,
        hyperparameters=simulation.space(dimensions=2),
    )
    tuner = tuner_of(own, tmp_path)
    assert replace_oracle(tuner, "tpe", {"epochs": 50}) == {"epochs": 9}
    # Brackets of 9 trials for 1 epoch, 3 for 2 and 1 for 6 more; 5 for 3, 2 for 6 more;
    # and 3 for 9: the epochs of 8 trainings to the end.
    assert tuner.oracle.max_trials == pytest.approx(8 * iterations, abs=1)


def test_hyperband_without_end_stays_without(tmp_path: Path) -> None:
    """A search that its user ends by the time budget would end by itself."""
    own = keras_tuner.oracles.HyperbandOracle(
        simulation.OBJECTIVE,
        hyperband_iterations=None,
        hyperparameters=simulation.space(dimensions=2),
    )
    tuner = tuner_of(own, tmp_path)
    replace_oracle(tuner, "tpe", {})
    assert tuner.oracle.max_trials is None


def test_unknown_search_is_refused(tmp_path: Path) -> None:
    """A typing mistake would search with something else."""
    tuner = tuner_of(
        keras_tuner.oracles.RandomSearchOracle(
            simulation.OBJECTIVE, 2, hyperparameters=simulation.space(dimensions=1)
        ),
        tmp_path,
    )
    with pytest.raises(ValueError, match=r"search to be one of auto.*Received: 'bohb'"):
        replace_oracle(tuner, "bohb", {})


@pytest.mark.parametrize("epochs", [9, np.int64(9)])
def test_auto_knows_how_long_a_training_is(epochs: Any, tmp_path: Path) -> None:
    """It would look at trials at the wrong epochs, and take none for trained."""
    own = keras_tuner.oracles.RandomSearchOracle(
        simulation.OBJECTIVE, 4, hyperparameters=simulation.space(dimensions=2)
    )
    tuner = tuner_of(own, tmp_path)
    replace_oracle(tuner, "auto", {"epochs": epochs})
    assert isinstance(tuner.oracle, AutoOracle)
    assert [n for n in range(20) if tuner.oracle.is_rung(n)] == [1, 3, 9]


def test_auto_tries_as_many_points_as_hyperband(tmp_path: Path) -> None:
    """It would have eight trials where Hyperband has seventeen."""
    own = keras_tuner.oracles.HyperbandOracle(
        simulation.OBJECTIVE,
        max_epochs=9,
        factor=3,
        hyperparameters=simulation.space(dimensions=2),
    )
    tuner = tuner_of(own, tmp_path)
    assert replace_oracle(tuner, "auto", {}) == {"epochs": 9}
    assert tuner.oracle.max_trials == sum(own._get_size(b, 0) for b in range(3))
