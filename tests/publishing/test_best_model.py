"""Models of trials: loaded by a tuner that is made again, and written to files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from tests.support.keras_trials import X, Y
from tuner_component.publishing import best_model
from tuner_component.search.errors import NoModelError


@keras.saving.register_keras_serializable("tests.best_model")
class Own(keras.Model):  # type: ignore[misc]
    """A model of a class of the user's own, which knows its inputs once it has seen some."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.hidden = keras.layers.Dense(units)
        self.last = keras.layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        if isinstance(inputs, dict):
            inputs = inputs["a"] + inputs["b"]
        return self.last(self.hidden(inputs))

    def get_config(self) -> dict[str, Any]:
        return {"units": self.units}


def own(hp: Any) -> Any:
    model = Own(hp.Int("units", 2, 5))
    model.compile("adam", "mse")
    return model


def functional(hp: Any) -> Any:
    inputs = {name: keras.Input((4,), name=name) for name in "ab"}
    both = keras.layers.Concatenate()([inputs["a"], inputs["b"]])
    hidden = keras.layers.Dense(hp.Int("units", 2, 5))(both)
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    model.compile("adam", "mse")
    return model


NAMED = {"a": X, "b": X}


def searched(directory: Path, build: Any, x: Any) -> tuple[Any, float]:
    """A tuner that knows a trial which another one has trained, and its score."""

    def make() -> Any:
        return keras_tuner.RandomSearch(build, "val_loss", 1, directory=str(directory))

    tuner = make()
    tuner.search(x, Y, validation_data=(x, Y), epochs=1, verbose=0)
    trials = tuner.oracle.get_best_trials(1)
    return best_model.knowing(make(), trials), trials[0].score


@pytest.mark.slow
@pytest.mark.parametrize(("build", "x"), [(own, X), (own, NAMED), (functional, NAMED)])
def test_model_is_written_as_it_was_trained(tmp_path: Path, build: Any, x: Any) -> None:
    """Models of a class of one's own could not be loaded, as in stock."""
    import tensorflow as tf

    tuner, score = searched(tmp_path / "search", build, x)
    best_model.write(best_model.load(tuner), str(tmp_path / "model"))
    again = keras.models.load_model(tmp_path / "model" / "model.keras")
    assert again.evaluate(x, Y, verbose=0) == pytest.approx(score, rel=1e-4)
    model = tf.saved_model.load(str(tmp_path / "model"))
    served = model.serve(tf.nest.map_structure(tf.constant, x))
    np.testing.assert_allclose(served, again.predict(x, verbose=0), rtol=1e-4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "search"]


@pytest.fixture
def model() -> Any:
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])


def test_model_that_cannot_be_saved_leaves_the_one_before(
    tmp_path: Path, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a model would be served, or the last good one be lost."""
    target = tmp_path / "model"
    best_model.write(model, str(target))
    before = {p: p.read_bytes() for p in target.rglob("*") if p.is_file()}

    class Odd(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, what: Any) -> None:
            super().__init__()

        def call(self, inputs: Any) -> Any:
            return inputs

    odd = keras.Sequential([keras.Input((1,)), Odd(object())])
    with pytest.raises(NoModelError, match=r"saved as model.keras.*get_config"):
        best_model.write(odd, str(target))
    assert {p: p.read_bytes() for p in target.rglob("*") if p.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_is_not_a_model_is_not_replaced(tmp_path: Path, model: Any) -> None:
    """A slip in the command line would delete somebody's files."""
    (tmp_path / "precious").touch()
    with pytest.raises(NoModelError, match="which holds precious"):
        best_model.write(model, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_model_goes_to_a_bucket(model: Any) -> None:
    """Pipelines keep their artifacts there."""
    import tensorflow as tf

    best_model.write(model, "ram://bucket/Format-Serving/")
    best_model.write(model, "ram://bucket/Format-Serving")
    assert "model.keras" in tf.io.gfile.listdir("ram://bucket/Format-Serving")
    loaded = tf.saved_model.load("ram://bucket/Format-Serving")
    assert loaded.serve(tf.constant([[1.0]])).shape == (1, 1)


class Loads(keras_tuner.Tuner):
    """Saves models in a way of its own."""

    what: Any = None

    def run_trial(self, trial: Any) -> Any:
        return trial.hyperparameters.Float("x", -1.0, 1.0)

    def load_model(self, trial: Any) -> Any:
        return self.what


class Plain(keras_tuner.Tuner):
    def run_trial(self, trial: Any) -> Any:
        return trial.hyperparameters.Float("x", -1.0, 1.0)


def knowing(kind: Any, directory: Path, **kwargs: Any) -> Any:
    oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=1)
    tuner = kind(oracle, directory=str(directory), **kwargs)
    tuner.search()
    return best_model.knowing(tuner, tuner.oracle.get_best_trials(1))


def test_tuner_may_load_models_its_own_way(tmp_path: Path, model: Any) -> None:
    """A loop of one's own that saves models would give none."""
    tuner = knowing(Loads, tmp_path)
    tuner.what = model
    assert best_model.obstacle(tuner) is None
    assert best_model.load(tuner) is model
    tuner.what = object()
    with pytest.raises(NoModelError, match="to load a Keras model. Received: <object"):
        best_model.load(tuner)


@pytest.mark.parametrize(
    ("kwargs", "why"),
    [
        ({}, "Plain, which has no hypermodel"),
        ({"hypermodel": own}, "Plain, which left no weights at"),
    ],
)
def test_tuner_without_models_says_why(
    tmp_path: Path, kwargs: dict[str, Any], why: str
) -> None:
    """It would end in an error of a file that is missing."""
    with pytest.raises(NoModelError, match=why):
        best_model.load(knowing(Plain, tmp_path, **kwargs))


def test_sklearn_tuner_has_no_keras_model(tmp_path: Path) -> None:
    """What it loads is no model that Keras or a server could read."""
    oracle = keras_tuner.oracles.RandomSearchOracle(
        keras_tuner.Objective("score", "max"), max_trials=1
    )
    tuner = keras_tuner.SklearnTuner(oracle, lambda hp: None, directory=str(tmp_path))
    assert "scikit-learn" in str(best_model.obstacle(tuner))
