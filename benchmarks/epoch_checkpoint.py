"""Measures what checkpoints, which are for crashes, cost a training that never crashes.

Goal: checkpoints take at most 5 % of the training time, from models that train an epoch in
milliseconds to models whose checkpoint is 100 MB. Also shown: the longest time between two
checkpoints, which is how much training a crash costs at worst.

    python -m benchmarks.epoch_checkpoint [--quick] [--check]
"""

import argparse
import itertools
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_tuner
import numpy as np

from benchmarks import harness
from tuner_component.search.training.instrument import instrument
from tuner_component.search.training.write_budget import WriteBudget

GOAL = 0.05

# Units of the hidden layer. Adam triples the weights: 0.2, 12 and 96 MB.
MODELS = {"small": 64, "medium": 3_900, "large": 31_000}


class Measured(WriteBudget):
    """Remembers when checkpoints were written, and how large the last one was."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[float] = []
        self.size = 0

    def writing(self, size: int) -> Any:
        self.writes.append(self.trained)
        self.size = size
        return super().writing(size)


class StopAfter(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a training after the given seconds, at the end of an epoch."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def on_train_begin(self, logs: Any = None) -> None:
        self.end = time.monotonic() + self.seconds

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if time.monotonic() > self.end:
            self.model.stop_training = True


def measure(units: int, samples: int, seconds: float) -> dict[str, float]:
    """Trains one trial and adds up the time of its checkpoints."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, 256)).astype("float32")
    y = x.sum(axis=1, keepdims=True)

    def build(hp: keras_tuner.HyperParameters) -> Any:
        hp.Float("x", 0, 1)
        hidden = keras.layers.Dense(units, activation="relu")
        model = keras.Sequential([hidden, keras.layers.Dense(1)])
        model.compile("adam", "mse")
        return model

    budget = Measured()
    with tempfile.TemporaryDirectory() as directory:
        tuner = keras_tuner.RandomSearch(
            build, "loss", max_trials=1, directory=Path(directory) / "workdir"
        )
        instrument(tuner, directory, 1, budget=budget)
        callbacks = [StopAfter(seconds)]
        tuner.search(x, y, epochs=100_000, verbose=0, callbacks=callbacks)
    moments = [0.0, *budget.writes, budget.trained]
    return {
        "checkpoint_mb": budget.size / 1e6,
        "training_s": budget.trained,
        "writing_s": budget.spent,
        "writes": len(budget.writes),
        "share": budget.spent / budget.trained,
        "longest_gap_s": max(b - a for a, b in itertools.pairwise(moments)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    harness.add_arguments(parser)
    arguments = parser.parse_args()
    seconds = 8.0 if arguments.quick else 60.0
    figures = {}
    for name, units in MODELS.items():
        figures[name] = measure(units, samples=512, seconds=seconds)
        print(name, figures[name], flush=True)
    met = all(figure["share"] <= GOAL for figure in figures.values())
    harness.report(arguments, {"goal": GOAL, **figures}, met)


if __name__ == "__main__":
    main()
