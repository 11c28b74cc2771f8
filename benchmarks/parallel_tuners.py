"""The tuners of `benchmarks.parallel`."""

import json
import os
import time
import types
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np


class Timed(keras_tuner.Tuner):
    """Records when each of its trials started and ended."""

    times: Path

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        began, cpu = time.time(), time.process_time()
        result = self.train(trial, *args, **kwargs)
        with self.times.open("a") as file:
            line = {
                "pid": os.getpid(),
                "began": began,
                "ended": time.time(),
                "cpu": time.process_time() - cpu,
            }
            file.write(json.dumps(line) + "\n")
        return result

    def train(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        return super().run_trial(trial, *args, **kwargs)


class Simulated(Timed):
    """Takes time without using the processor."""

    def train(self, trial: Any, seconds: float) -> float:
        time.sleep(seconds)
        return float(trial.hyperparameters.get("x"))


def simulated(argument: bytes, role: str) -> Any:
    """Entry point: a random search whose trials only sleep."""
    settings = json.loads(argument)
    if role == "driver" and (told := settings.get("driver_tells")):
        # What has the driver in it is not for workers to import.
        from benchmarks import driver_cost

        driver_cost.watch_driver(told)
    space = keras_tuner.HyperParameters()
    for name in "xyz":
        space.Float(name, 0.0, 1.0)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        max_trials=settings["trials"], hyperparameters=space, seed=1
    )
    tuner = Simulated(oracle, directory=settings["directory"])
    tuner.times = Path(settings["times"])
    fit_kwargs = {"seconds": settings["seconds"]}
    return types.SimpleNamespace(tuner=tuner, fit_kwargs=fit_kwargs)


class TimedRandomSearch(Timed):
    """A random search over Keras models."""


def _build(hp: keras_tuner.HyperParameters) -> keras.Model:
    model = keras.Sequential([keras.layers.Input((4,))])
    for _ in range(hp.Int("layers", 2, 3)):
        model.add(keras.layers.Dense(hp.Int("units", 8, 64), activation="relu"))
    model.add(keras.layers.Dense(3, activation="softmax"))
    model.compile(
        keras.optimizers.Adam(hp.Choice("learning_rate", [1e-2, 1e-3])),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def training(argument: bytes, role: str) -> Any:
    """Entry point: small Keras models, on as much data as the penguin example has."""
    settings = json.loads(argument)
    random = np.random.default_rng(0)
    x = random.normal(size=(334, 4)).astype("float32")
    y = x[:, :3].argmax(axis=1)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("val_accuracy", "max"),
        max_trials=settings["trials"],
        seed=1,
    )
    tuner = TimedRandomSearch(
        oracle, hypermodel=_build, directory=settings["directory"]
    )
    tuner.times = Path(settings["times"])
    fit_kwargs = {
        "x": x[:222],
        "y": y[:222],
        "validation_data": (x[222:], y[222:]),
        "epochs": settings["epochs"],
        "batch_size": 16,
        "verbose": 0,
    }
    return types.SimpleNamespace(tuner=tuner, fit_kwargs=fit_kwargs)
