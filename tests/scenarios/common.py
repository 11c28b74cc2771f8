"""What the scenarios share: tiny data, a tiny model, a short search.

What TensorFlow traces takes longer than the training of such models. So most models run
eagerly, and most data are a dataset of one batch: for arrays, Keras makes several graphs.
"""

from typing import Any

import keras
import keras_tuner
import numpy as np
import tensorflow as tf
from tfx.components.tuner.component import TunerFnResult

_random = np.random.default_rng(0)
X = _random.normal(size=(32, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
LABELS = (Y > 0).astype("float32")


def compiled(
    model: Any, *, loss: Any = "mse", eager: bool = True, **kwargs: Any
) -> Any:
    """Compiles a model that runs eagerly, unless it says otherwise."""
    kwargs = {"optimizer": "sgd", **kwargs}
    model.compile(loss=loss, run_eagerly=eager, **kwargs)
    return model


def layers(hp: Any) -> list[Any]:
    """A regression, or a classification of two classes."""
    return [
        keras.layers.Dense(hp.Int("units", 2, 16), activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]


def build(hp: Any, **kwargs: Any) -> Any:
    """The model that most scenarios tune."""
    return compiled(keras.Sequential([keras.Input((4,)), *layers(hp)]), **kwargs)


def batch(x: Any = X, y: Any = LABELS) -> Any:
    """A dataset of one batch."""
    return tf.data.Dataset.from_tensors((x, y))


def data(**changes: Any) -> dict[str, Any]:
    """Arguments for `fit`; None leaves one out."""
    usual = {"epochs": 1, "verbose": 0, "x": batch(), "validation_data": batch()}
    return {k: value for k, value in {**usual, **changes}.items() if value is not None}


def arrays(**changes: Any) -> dict[str, Any]:
    """The same, with arrays."""
    usual = {"x": X, "y": LABELS, "validation_data": (X, LABELS), "batch_size": 32}
    return data(**{**usual, **changes})


def search(
    fn_args: Any,
    hypermodel: Any = build,
    fit_kwargs: dict[str, Any] | None = None,
    cls: Any = keras_tuner.RandomSearch,
    **kwargs: Any,
) -> TunerFnResult:
    """A search with two trials, unless it says otherwise."""
    kwargs = {"objective": "val_loss", "max_trials": 2, "seed": 1, **kwargs}
    kwargs = {name: value for name, value in kwargs.items() if value is not None}
    tuner = cls(
        hypermodel, directory=fn_args.working_dir, project_name="project", **kwargs
    )
    fit = data() if fit_kwargs is None else fit_kwargs
    return TunerFnResult(tuner=tuner, fit_kwargs=fit)
