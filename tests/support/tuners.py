"""Entry points with one kind of tuner each, as users would write them."""

import copy
import json
import math
import os
import queue
import random
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

from tuner_component import report_epoch

_X = np.linspace(-1, 1, 64, dtype="float32").reshape(-1, 1)
_Y = (3 * _X + 1).astype("float32")


def _build(hp: keras_tuner.HyperParameters) -> keras.Model:
    model = keras.Sequential(
        [keras.layers.Input((1,)), keras.layers.Dense(hp.Int("units", 1, 8))]
    )
    model.add(keras.layers.Dense(1))
    rate = hp.Choice("learning_rate", [0.1, 0.01, 0.001])
    model.compile(keras.optimizers.Adam(rate), loss="mse")
    return model


def _build_eager(hp: keras_tuner.HyperParameters) -> keras.Model:
    """Tracing a graph in each of many workers would take longer than the training."""
    model = _build(hp)
    model.compile(model.optimizer, loss="mse", run_eagerly=True)
    return model


_DATA = {"x": _X, "y": _Y, "validation_data": (_X, _Y), "epochs": 2, "verbose": 0}


def random_search(directory: str) -> Any:
    """keras_tuner.RandomSearch on a Keras model."""
    return keras_tuner.RandomSearch(
        _build, objective="val_loss", max_trials=4, seed=3, directory=directory
    ), _DATA


def bayesian(directory: str) -> Any:
    """keras_tuner.BayesianOptimization: suggestions from a Gaussian process."""
    return keras_tuner.BayesianOptimization(
        _build, objective="val_loss", max_trials=6, seed=3, directory=directory
    ), _DATA


def grid(directory: str) -> Any:
    """keras_tuner.GridSearch without a limit: it ends when the grid is exhausted."""
    return keras_tuner.GridSearch(
        _build,
        objective="val_loss",
        hyperparameters=_fixed(units=2),
        tune_new_entries=True,
        directory=directory,
    ), _DATA


def _fixed(**values: int) -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    for name, value in values.items():
        hp.Fixed(name, value)
    return hp


class NotingHyperband(keras_tuner.Hyperband):
    """Records which process continued which trial."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        with Path(self.directory, "ran").open("a") as file:
            before = trial.hyperparameters.values.get("tuner/trial_id", "")
            file.write(f"{trial.trial_id} {os.getpid()} {before}\n")
        return super().run_trial(trial, *args, **kwargs)


def hyperband(directory: str) -> Any:
    """keras_tuner.Hyperband: a trial loads the weights that another one saved."""
    return NotingHyperband(
        _build_eager,
        objective="val_loss",
        max_epochs=4,
        factor=2,
        seed=3,
        directory=directory,
    ), {k: v for k, v in _DATA.items() if k != "epochs"}


class Returns(keras_tuner.engine.base_tuner.BaseTuner):
    """A tuner of the user's own, without Keras."""

    kind = "float"

    def run_trial(self, trial: Any, offset: float = 0.0) -> Any:
        value = trial.hyperparameters.Float("x", 0.0, 1.0) + offset
        return {
            "float": value,
            "dict": {"cost": value, "size": 1},
            "list": [value, value + 2],
        }[self.kind]

    def on_trial_end(self, trial: Any) -> None:
        super().on_trial_end(trial)
        Path(self.directory, f"ended-{trial.trial_id}").touch()

    def load_model(self, trial: Any) -> Any:
        return None


def _returns(kind: str) -> Callable[[str], Any]:
    def make(directory: str) -> Any:
        objective = keras_tuner.Objective("cost", "min") if kind == "dict" else None
        oracle = keras_tuner.oracles.RandomSearchOracle(
            objective=objective, max_trials=4, seed=3
        )
        tuner = Returns(oracle, directory=directory)
        tuner.kind = kind
        return tuner, {"offset": 1.0}

    return make


class Retried(keras_tuner.engine.base_tuner.BaseTuner):
    """Reports NaN when a trial runs for the first time."""

    def run_trial(self, trial: Any) -> float:
        trial.hyperparameters.Float("x", 0.0, 1.0)
        path = Path(self.directory, f"drawn-{trial.trial_id}")
        first = not path.exists()
        with path.open("a") as file:
            file.write(f"{random.random()}\n")
        return math.nan if first else 1.0

    def on_trial_end(self, trial: Any) -> None:
        super().on_trial_end(trial)
        with Path(self.directory, f"status-{trial.trial_id}").open("a") as file:
            file.write(f"{trial.status}\n")

    def load_model(self, trial: Any) -> Any:
        return None


def retried(directory: str) -> Any:
    """A tuner whose oracle runs failed trials again."""
    oracle = keras_tuner.oracles.RandomSearchOracle(
        max_trials=3, seed=3, max_retries_per_trial=1
    )
    return Retried(oracle, directory=directory), {}


class HyperModel(keras_tuner.HyperModel):
    """A model with a `fit` of its own that returns a dict."""

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        return _build(hp)

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs["epochs"] = 1
        kwargs["batch_size"] = hp.Choice("batch_size", [8, 16])
        history = model.fit(*args, **kwargs)
        return {"cost": history.history["val_loss"][-1]}


def hypermodel(directory: str) -> Any:
    """A HyperModel that overrides fit."""
    return keras_tuner.RandomSearch(
        HyperModel(),
        objective=keras_tuner.Objective("cost", "min"),
        max_trials=3,
        seed=3,
        directory=directory,
    ), _DATA


def sklearn(directory: str) -> Any:
    """keras_tuner.SklearnTuner."""
    from sklearn import linear_model, model_selection

    def build(hp: keras_tuner.HyperParameters) -> Any:
        return linear_model.Ridge(alpha=hp.Float("alpha", 1e-3, 1, sampling="log"))

    return keras_tuner.SklearnTuner(
        oracle=keras_tuner.oracles.RandomSearchOracle(
            objective=keras_tuner.Objective("score", "max"), max_trials=3, seed=3
        ),
        hypermodel=build,
        cv=model_selection.KFold(3),
        directory=directory,
    ), {"X": _X, "y": _Y.ravel()}


class Curious(Returns):
    """Uses its oracle as users' subclasses do."""

    def run_trial(self, trial: Any, offset: float = 0.0) -> Any:
        oracle = self.oracle
        assert isinstance(oracle, keras_tuner.oracles.RandomSearchOracle)
        assert trial.trial_id in oracle.trials
        assert trial.trial_id in oracle.start_order
        assert oracle.get_trial(trial.trial_id).status == "RUNNING"
        assert self.remaining_trials == oracle.max_trials - len(oracle.start_order)
        assert oracle.get_state()["seed"] == oracle.seed == 3
        assert oracle.objective.direction == "min"
        assert isinstance(oracle.hyperparameters, keras_tuner.HyperParameters)
        assert oracle.custom() == "asked in the driver: driver"
        assert not hasattr(oracle, "nonsense")
        assert copy.deepcopy(oracle) is oracle  # A callback may hold the tuner.
        _check_error(oracle)
        oracle.update_space(_fixed(**{f"added-{trial.trial_id}": 1}))
        assert f"added-{trial.trial_id}" in oracle.get_space().values
        for best in oracle.get_best_trials(2):
            assert best.trial_id in oracle.trials
        oracle.update_trial(trial.trial_id, {"default_objective": 7.0})
        return 1.0


def _check_error(oracle: Any) -> None:
    try:
        oracle.get_trial("nonsense")
    except Exception as error:  # noqa: BLE001
        assert type(error) is KeyError
        assert "oracle.py" in str(error.__cause__)  # Where it came from.
    else:
        raise AssertionError("a trial that does not exist was found")


class CustomOracle(keras_tuner.oracles.RandomSearchOracle):
    """An oracle with a method of its own."""

    role = ""

    def custom(self) -> str:
        return f"asked in the driver: {self.role}"


def curious(directory: str) -> Any:
    """A tuner that uses its oracle in many ways."""
    oracle = CustomOracle(max_trials=3, seed=3)
    return Curious(oracle, directory=directory, overwrite=True), {}


class Steps(keras_tuner.engine.base_tuner.BaseTuner):
    """A loop of the user's own that reports its epochs: odd trials get worse and worse."""

    def run_trial(self, trial: Any) -> Any:
        trial.hyperparameters.Float("x", 0.0, 1.0)
        worse = int(trial.trial_id) % 2
        values = []
        for epoch in range(9):
            values.append(1.0 + epoch if worse else 1.0 - epoch / 10)
            if report_epoch({"cost": values[-1]}, epoch):
                break
        return {"cost": min(values)}

    def load_model(self, trial: Any) -> Any:
        return None


def steps(directory: str) -> Any:
    """A tuner without a Keras model."""
    objective = keras_tuner.Objective("cost", "min")
    oracle = keras_tuner.oracles.RandomSearchOracle(objective, max_trials=4, seed=3)
    return Steps(oracle, directory=directory, overwrite=True), {}


class Iterating(Returns):
    """Fails if the trial waits for the end of an iterator over a dataset."""

    def run_trial(self, trial: Any, offset: float = 0.0) -> Any:
        ended: queue.Queue[threading.Thread] = queue.Queue()
        iterator = iter(tf.data.Dataset.range(1))
        iterator._iterator_resource = _Resource(ended)
        del iterator
        assert ended.get(timeout=30) is not threading.main_thread()
        return super().run_trial(trial, offset)


class _Resource:
    """Reports in which thread it ends, which TensorFlow's own resource would not."""

    def __init__(self, ended: queue.Queue[threading.Thread]) -> None:
        self._ended = ended

    def __del__(self) -> None:
        self._ended.put(threading.current_thread())


def iterating(directory: str) -> Any:
    """A tuner that reads datasets itself."""
    oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=2, seed=3)
    return Iterating(oracle, directory=directory), {}


_TUNERS: dict[str, Callable[[str], Any]] = {
    "random": random_search,
    "bayesian": bayesian,
    "grid": grid,
    "hyperband": hyperband,
    "float": _returns("float"),
    "dict": _returns("dict"),
    "list": _returns("list"),
    "hypermodel": hypermodel,
    "sklearn": sklearn,
    "curious": curious,
    "retried": retried,
    "steps": steps,
    "iterating": iterating,
}


def make(argument: bytes, role: str) -> Any:
    """The entry point: makes the tuner that the argument names."""
    kind, directory = json.loads(argument)
    tuner, fit_kwargs = _TUNERS[kind](directory)
    if kind == "curious":
        tuner.oracle.role = role
    return types.SimpleNamespace(tuner=tuner, fit_kwargs=fit_kwargs)
