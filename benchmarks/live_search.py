"""Searches that really train: a convolutional network for scikit-learn's digits.

`benchmarks.search_quality --live` runs each search in its own process:

    python -m benchmarks.live_search SEARCH DIRECTORY --seed N

prints "started" when it starts, and "loss" and the best validation loss of each trial that
ends or pauses. The size of the file `epochs` in DIRECTORY is the number of epochs spent.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from sklearn import datasets, model_selection

from tuner_component.oracles import OptunaSearch
from tuner_component.oracles.replacing import replace_oracle
from tuner_component.search import events
from tuner_component.search.options import SearchOptions, StoppingOptions
from tuner_component.search.parallel.local import launch
from tuner_component.search.parallel.protocol import EntryPoint

EPOCHS = 12
# The search "auto", and `OptunaSearch` with ASHA.
AUTO, OURS = "auto", "ours"
STOCK = ("stock random", "stock hyperband", "stock bayesian")
# One in twenty randomly drawn points reaches this validation loss.
TARGET = 0.06
_TRIALS = 1000
# KerasTuner draws each value with the next whole number as its seed. Searches with seeds
# beside each other would try the same points, one after the other.
_SEED_STEP = 10_000
# What a search prints, among the output of libraries.
_STARTED, _SCORE = "started", "loss "


def build(hp: keras_tuner.HyperParameters) -> keras.Model:
    """A model with seven hyperparameters."""
    _batch_size(hp)  # So that it is known before the first training.
    decay = keras.regularizers.L2(hp.Float("l2", 1e-6, 1e-1, sampling="log"))
    layers: list[Any] = [keras.layers.Input((8, 8, 1))]
    for _ in range(hp.Int("depth", 1, 3)):
        layers.append(
            keras.layers.Conv2D(
                hp.Int("filters", 4, 32, step=2, sampling="log"),
                3,
                padding="same",
                activation=hp.Choice("activation", ["relu", "tanh"]),
                kernel_regularizer=decay,
            )
        )
    layers += [
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dropout(hp.Float("dropout", 0.0, 0.6, step=0.1)),
        keras.layers.Dense(10, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile(
        keras.optimizers.Adam(hp.Float("learning_rate", 1e-5, 1e-1, sampling="log")),
        "sparse_categorical_crossentropy",
        # The loss without the regulariser's part.
        metrics=[keras.metrics.SparseCategoricalCrossentropy(name="entropy")],
    )
    return model


class Model(keras_tuner.HyperModel):
    """Tunes the batch size as well."""

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        return build(hp)

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        return model.fit(*args, batch_size=_batch_size(hp), **kwargs)


def _batch_size(hp: keras_tuner.HyperParameters) -> int:
    size: int = hp.Int("batch_size", 16, 128, step=2, sampling="log")
    return size


class _Counter(keras.callbacks.Callback):
    """Counts the epochs of all processes."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        with open(self._path, "ab") as file:
            file.write(b".")


def make(argument: bytes, role: str) -> Any:
    """Entry point: the tuner of a search, and the arguments of its training."""
    told = json.loads(argument)
    directory, seed = told["directory"], 1 + told["seed"] * _SEED_STEP
    common: dict[str, Any] = {
        "objective": keras_tuner.Objective("val_entropy", "min"),
        "directory": f"{directory}/{told['search']}",
        "seed": seed,
    }
    tuners = {
        "stock random": lambda: keras_tuner.RandomSearch(
            Model(), max_trials=_TRIALS, **common
        ),
        "stock hyperband": lambda: keras_tuner.Hyperband(
            Model(), max_epochs=EPOCHS, factor=3, hyperband_iterations=20, **common
        ),
        "stock bayesian": lambda: keras_tuner.BayesianOptimization(
            Model(), max_trials=_TRIALS, **common
        ),
        OURS: lambda: OptunaSearch(Model(), max_trials=_TRIALS, **common),
        AUTO: lambda: keras_tuner.RandomSearch(Model(), max_trials=_TRIALS, **common),
    }
    x, y = datasets.load_digits(return_X_y=True)
    x, x_val, y, y_val = model_selection.train_test_split(
        x.reshape(-1, 8, 8, 1) / 16, y, test_size=0.3, random_state=0, stratify=y
    )
    tuner = tuners[told["search"]]()
    fit_kwargs = {
        "x": x,
        "y": y,
        "validation_data": (x_val, y_val),
        "epochs": EPOCHS,
        "verbose": 0,
        "callbacks": [_Counter(f"{directory}/epochs")],
    }
    if told["search"] == AUTO:
        fit_kwargs = replace_oracle(tuner, AUTO, fit_kwargs)
    return types.SimpleNamespace(tuner=tuner, fit_kwargs=fit_kwargs)


def _say(word: str) -> None:
    print(word, flush=True)


class _Losses:
    """Prints the best loss of each trial that ends, or pauses."""

    def __init__(self) -> None:
        self._best: dict[str, float] = {}

    def hear(self, event: events.Event) -> None:
        """Hears what happens in a search."""
        if isinstance(event, events.EpochEnded):
            loss = event.metrics["val_entropy"]
            before = self._best.get(event.trial_id, loss)
            self._best[event.trial_id] = min(before, loss)
        elif isinstance(event, events.TrialPaused) and event.trial_id in self._best:
            _say(f"{_SCORE}{self._best[event.trial_id]}")
        elif isinstance(event, events.TrialEnded) and event.score is not None:
            _say(f"{_SCORE}{event.score}")


def search(name: str, directory: str, seed: int) -> None:
    """Searches without end, and prints the loss of each trial that ends or pauses."""
    told = {"search": name, "directory": directory, "seed": seed}
    argument = json.dumps(told).encode()
    if name in (AUTO, OURS):
        stopping = StoppingOptions("asha") if name == OURS else None
        _say(_STARTED)
        launch.run_parallel(
            EntryPoint("benchmarks.live_search:make", argument),
            f"{directory}/study",
            {"search": name},
            SearchOptions(num_workers=2, seed=seed, stopping=stopping),
            preload=("keras", "keras_tuner"),
            observer=_Losses().hear,
        )
        return
    found = make(argument, "driver")
    oracle = found.tuner.oracle
    ended = oracle.end_trial

    def end_trial(trial: Any) -> None:
        ended(trial)
        score = oracle.get_trial(trial.trial_id).score
        if score is not None:
            _say(f"{_SCORE}{score}")

    oracle.end_trial, oracle.verbose = end_trial, 0
    keras.utils.set_random_seed(seed)
    _say(_STARTED)
    found.tuner.search(**found.fit_kwargs)


def measure(name: str, seed: int, limit_s: float) -> dict[str, Any]:
    """Runs a search until a trial has ended with the target or better.

    Returns:
        Whether the target was `reached`; the seconds until then, or the limit, even if
        the search ended before it; epochs and trials until then, and the best loss.
    """
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "benchmarks.live_search", name, directory]
        child = subprocess.Popen(
            [*command, "--seed", str(seed)], stdout=subprocess.PIPE, text=True
        )
        try:
            return _watch(child, Path(directory, "epochs"), limit_s)
        finally:
            child.kill()
            child.wait()
            time.sleep(1.0)  # Its own processes end by themselves.


def _watch(
    child: "subprocess.Popen[str]", epochs: Path, limit_s: float
) -> dict[str, Any]:
    started, best, trials, hit_s = None, float("inf"), 0, None
    for line in child.stdout or ():
        now = time.monotonic()
        if line.strip() == _STARTED:
            started = now
        if started is None or not line.startswith(_SCORE):
            continue
        best, trials = min(best, float(line.removeprefix(_SCORE))), trials + 1
        if now - started > limit_s:
            break
        if best <= TARGET:
            hit_s = now - started
            break
    if started is None:
        raise RuntimeError("Expected a search to start. Received: its end.")
    return {
        "reached": hit_s is not None,
        "seconds": limit_s if hit_s is None else hit_s,
        "epochs": epochs.stat().st_size,
        "trials": trials,
        "loss": best,
    }


def main() -> None:
    """Runs the search that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("search", choices=[*STOCK, AUTO, OURS])
    parser.add_argument("directory")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    search(arguments.search, arguments.directory, arguments.seed)


if __name__ == "__main__":
    main()
