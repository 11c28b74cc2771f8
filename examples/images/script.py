"""The same model tuned from a script; the best one is saved and loaded again."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np

from examples.images import digits, module


def make_tuner(trials: int) -> keras_tuner.Tuner:
    """Makes the tuner, in each process of the search."""
    return keras_tuner.RandomSearch(
        module.build_model, objective="val_accuracy", max_trials=trials, seed=1
    )


def search(directory: Path, workers: int, trials: int = 3) -> Path:
    """Searches, and saves the best model.

    Args:
        directory: For all that it writes.
        workers: How many trials run at the same time.
        trials: How many there are.

    Returns:
        The file with the model.
    """
    from tuner_component import tune

    images, labels = digits.pictures()
    fit_kwargs: dict[str, Any] = {
        "x": images,
        "y": labels,
        "validation_split": 0.25,
        "epochs": module.EPOCHS,
        "callbacks": [keras.callbacks.EarlyStopping(patience=2)],
        "verbose": 2,
    }
    result = tune(
        functools.partial(make_tuner, trials),
        fit_kwargs,
        directory=directory / "search",
        num_parallel_trials=workers or None,
    )
    print(result)
    path = directory / "best.keras"
    best = result.best_model()
    best.save(path)
    again = keras.saving.load_model(path)
    some = images[:10]
    np.testing.assert_allclose(
        again.predict(some, verbose=0), best.predict(some, verbose=0), rtol=1e-5
    )
    print(f"Saved: {path}, with {again.count_params()} parameters.")
    return path
