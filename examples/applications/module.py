"""HyperResNet and HyperXception on tiny pictures, in spaces that are cut down.

Both have spaces of their own, whose models take minutes for each trial. `hyperparameters=`
says what is searched instead: with `tune_new_entries=False` all that is not in it keeps its
default, and `hp.Fixed` gives it another value.

    tuner-component tune examples/applications/module.py --train DATA --out OUT \
        -- --model=xception
"""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner
import numpy as np
from tfx.components.trainer.fn_args_utils import FnArgs

from tuner_component import TunerFnResult, data

SIZE, CLASSES = 32, 10


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search."""
    shape = (SIZE, SIZE, 3)
    make = {"resnet": _resnet, "xception": _xception}[fn_args.custom_config["model"]]
    tuner = make(shape, fn_args.working_dir)
    x, y = _pictures(fn_args, "train")
    fit_kwargs = {"x": x, "y": y, "validation_data": _pictures(fn_args, "eval")}
    return TunerFnResult(
        tuner=tuner, fit_kwargs={**fit_kwargs, "epochs": 1, "verbose": 2}
    )


def _resnet(shape: tuple[int, ...], directory: str) -> keras_tuner.Tuner:
    """Only how pictures are pooled is searched, and the rate; the network is shallow."""
    hp = keras_tuner.HyperParameters()
    hp.Fixed("version", "v1")
    hp.Fixed("conv3_depth", 1)  # Less than the model's own space has.
    hp.Fixed("conv4_depth", 1)
    hp.Choice("pooling", ["avg", "max"])
    hp.Choice("learning_rate", [0.01, 0.001])
    return keras_tuner.RandomSearch(
        keras_tuner.applications.HyperResNet(input_shape=shape, classes=CLASSES),
        objective="val_accuracy",
        max_trials=2,
        hyperparameters=hp,
        tune_new_entries=False,
        seed=1,
        directory=directory,
        project_name="resnet",
    )


def _xception(shape: tuple[int, ...], directory: str) -> keras_tuner.Tuner:
    """The space is searched as a whole but for its depth; each trial is trained twice.

    What the model is compiled with is another optimizer, loss and metric.
    """
    hp = keras_tuner.HyperParameters()
    hp.Fixed("num_residual_blocks", 2)
    hp.Fixed("conv2d_num_filters", 32)
    hp.Fixed("sep_num_filters", 128)
    hp.Int("num_dense_layers", 1, 2)
    return keras_tuner.RandomSearch(
        keras_tuner.applications.HyperXception(input_shape=shape, classes=CLASSES),
        objective="val_mean_squared_error",
        max_trials=2,
        hyperparameters=hp,
        tune_new_entries=False,
        executions_per_trial=2,
        optimizer=keras.optimizers.SGD(0.01),
        loss="mean_squared_error",
        metrics=["mean_squared_error"],
        seed=1,
        directory=directory,
        project_name="xception",
    )


def _pictures(fn_args: FnArgs, split: str) -> tuple[Any, Any]:
    """Pictures of the size that these models take at least, and one-hot digits."""
    x, y = data.table(fn_args, split, ["image"], label="digit")
    small = x.reshape(-1, 8, 8, 1)
    large = np.kron(small, np.ones((SIZE // 8, SIZE // 8, 3), np.float32))
    return large, keras.utils.to_categorical(y, CLASSES)
