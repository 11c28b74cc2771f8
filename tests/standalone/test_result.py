"""What a script gets of its search: the model, and a tuner with the habits of stock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import keras_tuner
import pytest

import tuner_component
from tests.support.keras_trials import DATA, X, Y


def build_model(hp: Any) -> Any:
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(hp.Int("units", 1, 4)),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(hp.Choice("rate", [0.1, 0.001])), "mse")
    return model


def make_tuner() -> Any:
    return keras_tuner.RandomSearch(build_model, "val_loss", max_trials=3, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_best_model_is_that_of_the_best_trial(tmp_path: Path, workers: int) -> None:
    """Someone would deploy another model than the one that won."""
    result = tuner_component.tune(
        make_tuner,
        {**DATA, "validation_split": 0.0, "validation_data": (X, Y), "epochs": 2},
        directory=tmp_path / "out",
        num_parallel_trials=workers,
    )
    models = [result.best_model(), result.tuner.get_best_models(2)[1]]
    for model, trial in zip(models, result.trials, strict=False):
        assert model.evaluate(X, Y, verbose=0) == pytest.approx(trial.score, rel=1e-4)
        assert model.layers[0].units == trial.hyperparameters["units"]
    [habit] = result.tuner.get_best_hyperparameters()
    assert habit.values == result.best_hyperparameters.values
    assert Path(result.report).is_file()


class NoModel(keras_tuner.Tuner):
    def run_trial(self, trial: Any) -> Any:
        return trial.hyperparameters.Float("x", -1.0, 1.0)


class Constant(keras_tuner.Tuner):
    def run_trial(self, trial: Any, score: float = 0.5) -> Any:
        return score


def test_a_later_search_beside_it_is_another_one(tmp_path: Path) -> None:
    """Who compares two searches would compare the second one with itself."""

    def make() -> Any:
        return NoModel(keras_tuner.oracles.RandomSearchOracle(max_trials=2, seed=1))

    first = tuner_component.tune(make, directory=tmp_path, seed=1)
    told = first.trials, first.best_hyperparameters.values, repr(first)
    second = tuner_component.tune(make, directory=tmp_path, seed=2)
    assert second.study.study_id != first.study.study_id
    assert (first.trials, first.best_hyperparameters.values, repr(first)) == told


def test_a_search_without_hyperparameters_has_its_trial(tmp_path: Path) -> None:
    """Printing what it found would raise: the table has no row for such trials."""

    def make() -> Any:
        return Constant(keras_tuner.oracles.RandomSearchOracle(max_trials=1))

    result = tuner_component.tune(make, directory=tmp_path)
    assert "0.5, by trial 0 of 1 completed" in repr(result)


def test_tuner_that_keeps_no_model_says_so(tmp_path: Path) -> None:
    """It would end in an error of a file that is missing."""

    def make() -> Any:
        return NoModel(keras_tuner.oracles.RandomSearchOracle(max_trials=1))

    result = tuner_component.tune(make, directory=tmp_path)
    with pytest.raises(ValueError, match=r"trains Keras models by.*Received: NoModel"):
        result.best_model()
