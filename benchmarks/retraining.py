"""Is the kept model of the best trial worse or better than one trained again?

    python -m benchmarks.retraining [--quick] [--check] [--splits 3] [--trials 10] [--seeds 5]

For each task and each split of its data (train, validation, test) a random search trains
Keras models and keeps the best one with the weights of its best epoch. Then models with
the same hyperparameters are trained again, with other seeds, in the ways that people do:

- fixed: for as many epochs as a trial, and taken as they are after the last one
- early: with early stopping on the validation split, and its best weights
- all: on the train and validation splits together, for as many epochs as the best trial
  had when it was best

What counts is the loss on the test split, which neither the search nor the training has
seen. `ratio` is the loss of a model trained again in relation to that of the kept one, the
geometric mean; `worse` the share of such models that are worse than it. The validation loss
of the kept model was selected, and is no honest measure: it is there for comparison.

The goal: the kept model has the score that the search says, on every split of every task.
"""

import argparse
import contextlib
import dataclasses
import math
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np
from sklearn import model_selection, preprocessing

from benchmarks import harness
from benchmarks.curve_tasks import TASKS, Task
from tuner_component import TuneResult, tune

EPOCHS = 20
WAYS = ("fixed", "early", "all")
_TASKS = ("digits", "penguins", "diabetes")


@dataclasses.dataclass(frozen=True)
class Split:
    """The data of a task: features and targets of three parts."""

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


def split(task: Task, seed: int) -> Split:
    """Splits the rows of a task: 50 % train, 20 % validation, 30 % test."""
    x, y = task.load()
    if not task.regression:
        y = np.unique(y, return_inverse=True)[1]
    x, x_test, y, y_test = model_selection.train_test_split(
        x, y, test_size=0.3, random_state=seed, stratify=None if task.regression else y
    )
    x, x_validation, y, y_validation = model_selection.train_test_split(
        x,
        y,
        test_size=2 / 7,
        random_state=seed,
        stratify=None if task.regression else y,
    )
    scale = preprocessing.StandardScaler().fit(x).transform
    return Split(
        (scale(x), y), (scale(x_validation), y_validation), (scale(x_test), y_test)
    )


class Recipe(keras_tuner.HyperModel):
    """A multilayer perceptron with six hyperparameters.

    Args:
        outputs: How many classes there are; 1 for a regression.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self._outputs = outputs

    def build(self, hp: Any) -> keras.Model:
        """Builds a model."""
        model = keras.Sequential()
        for _ in range(hp.Int("depth", 1, 3)):
            units = hp.Int("units", 8, 128, sampling="log")
            model.add(
                keras.layers.Dense(units, hp.Choice("activation", ["relu", "tanh"]))
            )
            model.add(keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5)))
        classes = self._outputs > 1
        model.add(keras.layers.Dense(self._outputs, "softmax" if classes else None))
        rate = hp.Float("learning_rate", 1e-4, 1e-1, sampling="log")
        hp.Int("batch_size", 32, 128, step=2, sampling="log")
        loss = "sparse_categorical_crossentropy" if classes else "mse"
        # Compiling for these few steps takes longer than they do.
        model.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
        return model

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Trains it."""
        return model.fit(*args, batch_size=hp.get("batch_size"), verbose=0, **kwargs)


def search(
    recipe: Recipe, data: Split, directory: str, seed: int, trials: int
) -> TuneResult:
    """Searches; the best models are kept."""

    def make_tuner() -> Any:
        return keras_tuner.RandomSearch(
            recipe, "val_loss", max_trials=trials, seed=seed
        )

    fit_kwargs = {
        "x": data.train[0],
        "y": data.train[1],
        "validation_data": data.validation,
        "epochs": EPOCHS,
    }
    return tune(
        make_tuner, fit_kwargs, directory=directory, seed=seed, skip_preflight=True
    )


def train_again(
    recipe: Recipe, result: TuneResult, data: Split, way: str, seed: int
) -> keras.Model:
    """Trains a model with the best hyperparameters, in one of `WAYS`."""
    keras.utils.set_random_seed(seed)
    hp = result.best_hyperparameters
    model = recipe.build(hp)
    how: dict[str, Any] = {"epochs": EPOCHS}
    x, y = data.train
    if way == "early":
        stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
        how |= {"callbacks": [stop], "validation_data": data.validation}
    elif way == "all":
        best = result.study.best
        how["epochs"] = (best.best_step or 0) + 1 if best else EPOCHS
        x = np.concatenate([x, data.validation[0]])
        y = np.concatenate([y, data.validation[1]])
    recipe.fit(hp, model, x, y, **how)
    return model


def measure(task: Task, seed: int, trials: int, seeds: int) -> dict[str, Any]:
    """Searches once, and trains again what was found."""
    data = split(task, seed)
    recipe = Recipe(1 if task.regression else len(np.unique(data.train[1])))
    with tempfile.TemporaryDirectory() as directory:
        result = search(recipe, data, directory, seed, trials)
        kept = result.best_model()
        test = _loss(kept, data.test)
        validation = _loss(kept, data.validation)
        again = {
            way: [
                _loss(train_again(recipe, result, data, way, 1000 + s), data.test)
                for s in range(seeds)
            ]
            for way in WAYS
        }
        score = result.trials[0].score
    return {
        "score": score,
        "kept_validation": validation,
        "kept": test,
        **again,
        "is_its_score": math.isclose(score, validation, rel_tol=1e-3),
    }


def _loss(model: keras.Model, data: tuple[np.ndarray, np.ndarray]) -> float:
    loss: float = model.evaluate(*data, verbose=0)
    return loss


def summary(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """How models that were trained again compare with the kept ones, by the way.

    Args:
        runs: What `measure` returned.
    """
    found = {}
    for way in WAYS:
        ratios = [loss / run["kept"] for run in runs for loss in run[way]]
        found[way] = {
            "ratio": statistics.geometric_mean(ratios),
            "best_ratio": min(ratios),
            "worst_ratio": max(ratios),
            "worse": sum(ratio > 1 for ratio in ratios) / len(ratios),
        }
    return found


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    names, splits = _TASKS, arguments.splits
    trials, seeds = arguments.trials, arguments.seeds
    if arguments.quick:
        names, splits, trials, seeds = ("penguins",), 1, 2, 1
    figures: dict[str, Any] = {"trials": trials, "splits": splits, "seeds": seeds}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with contextlib.redirect_stdout(sys.stderr):
        for name in names:
            for seed in range(1, splits + 1):
                runs[name].append(measure(TASKS[name], seed, trials, seeds))
                print(name, runs[name][-1], flush=True)
    figures["tasks"] = {name: summary(found) for name, found in runs.items()}
    every = [run for found in runs.values() for run in found]
    figures["together"] = summary(every)
    figures["runs"] = runs
    harness.report(arguments, figures, all(run["is_its_score"] for run in every))


if __name__ == "__main__":
    main()
