"""A loop with GradientTape that returns a number, and reports each epoch.

A stopping rule can end a trial by what is reported. The module's flags are absl's, as in a
program that is started by `absl.app.run`.
"""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner
import tensorflow as tf
from absl import flags
from tfx.components.trainer.fn_args_utils import FnArgs

from tuner_component import TunerFnResult, data, report_epoch

_EPOCHS = flags.DEFINE_integer("epochs", 6, "how often each trial sees the data")
_TRIALS = flags.DEFINE_integer("trials", 4, "how many configurations are tried")

COLUMNS = ("age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search."""
    tuner = keras_tuner.RandomSearch(
        Loop(),
        objective="val_loss",
        max_trials=_TRIALS.value,
        seed=1,
        directory=fn_args.working_dir,
        project_name="loop",
    )
    x, y = data.table(fn_args, "train", COLUMNS, label="target")
    fit_kwargs = {
        "x": x,
        "y": y,
        "validation_data": data.table(fn_args, "eval", COLUMNS, label="target"),
        "epochs": _EPOCHS.value,
    }
    return TunerFnResult(tuner=tuner, fit_kwargs=fit_kwargs)


class Loop(keras_tuner.HyperModel):
    """A regression that trains itself."""

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Builds the network; there is nothing to compile."""
        return keras.Sequential(
            [
                keras.Input((len(COLUMNS),)),
                keras.layers.Dense(hp.Int("units", 8, 64, step=8), "relu"),
                keras.layers.Dense(1),
            ]
        )

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        x: Any,
        y: Any,
        validation_data: tuple[Any, Any],
        epochs: int,
        **_: Any,
    ) -> float:
        """Trains, and returns the best mean squared error in units of the variance.

        The callbacks that KerasTuner passes save the weights of the best epoch. A loop of
        one's own may call them; this one does without.
        """
        mean, scale = y.mean(), y.std()
        batches = (
            tf.data.Dataset.from_tensor_slices((x, (y - mean) / scale))
            .shuffle(len(x), seed=1)
            .batch(hp.Choice("batch_size", [16, 32, 64]))
        )
        optimizer = keras.optimizers.Adam(hp.Float("rate", 1e-4, 1e-1, sampling="log"))
        optimizer.build(model.trainable_variables)

        @tf.function
        def step(features: tf.Tensor, wanted: tf.Tensor) -> None:
            with tf.GradientTape() as tape:
                loss = _error(model, features, wanted)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))

        held, target = validation_data
        best = float("inf")
        for epoch in range(epochs):
            for features, wanted in batches:
                step(features, wanted)
            loss = float(_error(model, held, (target - mean) / scale))
            best = min(best, loss)
            if report_epoch({"val_loss": loss}, epoch):
                break  # A stopping rule says that this trial is hopeless.
        return best


def _error(model: keras.Model, features: Any, wanted: Any) -> tf.Tensor:
    found = tf.squeeze(model(features, training=True), 1)
    return tf.reduce_mean(tf.square(found - tf.cast(wanted, found.dtype)))
