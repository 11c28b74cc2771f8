"""Transfer learning: a backbone that knows five digits learns the other five.

Each trial trains a new head on the frozen backbone first, then some of the backbone as
well, with a smaller rate. The second phase goes on where the first one ended.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
from tfx.components.trainer.fn_args_utils import FnArgs

from tuner_component import TunerFnResult, data

SIZE, CLASSES = 16, 5


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search.

    Args:
        fn_args: Its `custom_config` says where the backbone is that `pretrain` saved.
    """
    backbone = fn_args.custom_config["backbone"]
    tuner = keras_tuner.RandomSearch(
        Transfer(backbone),
        objective="val_accuracy",
        max_trials=3,
        seed=1,
        directory=fn_args.working_dir,
        project_name="transfer",
    )
    x, y = _digits(fn_args, "train")
    fit_kwargs = {"x": x, "y": y, "validation_data": _digits(fn_args, "eval")}
    return TunerFnResult(
        tuner=tuner, fit_kwargs={**fit_kwargs, "batch_size": 8, "verbose": 2}
    )


class Transfer(keras_tuner.HyperModel):
    """A head on a backbone, in two phases."""

    def __init__(self, backbone: str) -> None:
        super().__init__()
        self._backbone = backbone

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Puts a head on the frozen backbone."""
        backbone = keras.saving.load_model(self._backbone)
        backbone.trainable = False
        inputs = keras.Input((SIZE, SIZE, 1))
        # In inference mode also when it is trained, or its statistics would change.
        x = backbone(inputs, training=False)
        x = keras.layers.Dense(hp.Int("units", 8, 32, step=8), "relu")(x)
        outputs = keras.layers.Dense(CLASSES, "softmax")(x)
        model = keras.Model(inputs, outputs)
        compile_model(model, hp.Float("rate", 1e-3, 1e-2, sampling="log"))
        return model

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Trains the head, and then the last layers of the backbone with it."""
        frozen = hp.Int("frozen_epochs", 2, 4)
        model.fit(*args, **kwargs, epochs=frozen)
        backbone = next(x for x in model.layers if isinstance(x, keras.Model))
        backbone.trainable = True
        for layer in backbone.layers[: -hp.Int("unfrozen_layers", 1, 3)]:
            layer.trainable = False
        compile_model(model, hp.get("rate") * hp.Float("slower", 0.05, 0.25, step=0.05))
        return model.fit(*args, **kwargs, initial_epoch=frozen, epochs=frozen + 2)


def compile_model(model: keras.Model, rate: float) -> None:
    """Compiles a classifier."""
    model.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )


def pretrain(images: Any, digits: Any, path: Path) -> None:
    """Trains a small backbone, and saves it without its head.

    Args:
        images: [count, SIZE, SIZE, 1].
        digits: Numbers from 0 on, [count].
        path: Where to save it, with the suffix .keras.
    """
    keras.utils.set_random_seed(1)
    convolution = functools.partial(keras.layers.Conv2D, padding="same", strides=2)
    backbone = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1)),
            keras.layers.Rescaling(1 / 255),
            convolution(8, 3, activation="relu"),
            convolution(16, 3, activation="relu"),
            keras.layers.Flatten(),
        ]
    )
    model = keras.Sequential([backbone, keras.layers.Dense(CLASSES, "softmax")])
    compile_model(model, 1e-2)
    model.fit(images, digits, epochs=8, verbose=0)
    # Whole or not at all.
    aside = path.with_name(f"aside-{path.name}")
    backbone.save(aside)
    os.replace(aside, path)


def _digits(fn_args: FnArgs, split: str) -> tuple[Any, Any]:
    x, y = data.table(fn_args, split, ["image"], label="digit")
    return x.reshape(-1, SIZE, SIZE, 1), y.astype(np.int32)
