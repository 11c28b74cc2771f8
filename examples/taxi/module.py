"""Fares from raw columns, without Transform: what is missing, and what is text, is dealt
with where the data are read and in the model.
"""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner
import numpy as np
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from tuner_component import TunerFnResult, data, load_best_hyperparameters

NUMBERS, COMPANY, LABEL = ("trip_miles", "trip_start_hour"), "company", "fare"
COMPANIES = ("blue", "city", "green")


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search."""
    tuner = keras_tuner.RandomSearch(
        build_model,
        objective="val_mean_absolute_error",
        max_trials=fn_args.custom_config["trials"],
        seed=1,
        directory=fn_args.working_dir,
        project_name="taxi",
    )
    return TunerFnResult(tuner=tuner, fit_kwargs=_fit_kwargs(fn_args))


def run_fn(fn_args: FnArgs) -> None:
    """Trains with the best hyperparameters, and exports the model."""
    model = build_model(load_best_hyperparameters(fn_args.hyperparameters))
    model.fit(**_fit_kwargs(fn_args))
    model.export(fn_args.serving_model_dir, verbose=False)


def build_model(hp: keras_tuner.HyperParameters) -> keras.Model:
    """Builds a regression of numbers, and the number of the company, each [batch, 1]."""
    inputs = {name: keras.Input((1,), name=name) for name in NUMBERS}
    inputs[COMPANY] = keras.Input((1,), name=COMPANY, dtype="int64")
    hour = keras.layers.Rescaling(1 / 24)(inputs["trip_start_hour"])
    # The first number is that of companies that are not known.
    company = keras.layers.CategoryEncoding(len(COMPANIES) + 1, "one_hot")(
        inputs[COMPANY]
    )
    x = keras.layers.Concatenate()([inputs["trip_miles"], hour, company])
    for _ in range(hp.Int("layers", 1, 2)):
        x = keras.layers.Dense(hp.Int("units", 8, 64, step=8), "relu")(x)
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    rate = hp.Float("rate", 3e-3, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "mse", metrics=["mean_absolute_error"])
    return model


def _fit_kwargs(fn_args: FnArgs) -> dict[str, Any]:
    return {
        "x": _trips(fn_args, "train"),
        "validation_data": _trips(fn_args, "eval"),
        "epochs": 4,
        "verbose": 2,
    }


def _trips(fn_args: FnArgs, split: str) -> tf.data.Dataset:
    rows = data.dataset(fn_args, split, label=LABEL, shuffle=split == "train", seed=1)
    number_of = keras.layers.StringLookup(vocabulary=COMPANIES)

    def complete(
        columns: dict[str, tf.Tensor], fare: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        for name in NUMBERS:  # A missing one counts as 0.
            column = tf.cast(columns[name], tf.float32)
            columns[name] = tf.where(tf.math.is_nan(column), np.float32(0), column)
        columns[COMPANY] = number_of(columns[COMPANY])
        return columns, fare

    return rows.map(complete).cache()
