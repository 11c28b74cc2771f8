"""A generative adversarial network, which has two optimizers, on handwritten digits.

The loss of a generator says little about its pictures. What is tuned is the gap between
means and variances of the pixels that it draws, and those of the digits it has not seen.
"""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from tuner_component import TunerFnResult, data

PIXELS, NOISE = 64, 8


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search."""
    tuner = keras_tuner.RandomSearch(
        build_model,
        objective=keras_tuner.Objective("val_gap", "min"),
        max_trials=3,
        seed=1,
        directory=fn_args.working_dir,
        project_name="gan",
    )
    pictures, held = (
        tf.data.Dataset.from_tensor_slices(
            data.table(fn_args, split, ["image"], label="digit")[0]
        ).batch(64)
        for split in ("train", "eval")
    )
    fit_kwargs = {"x": pictures.shuffle(1000, seed=1), "validation_data": held}
    return TunerFnResult(
        tuner=tuner, fit_kwargs={**fit_kwargs, "epochs": 3, "verbose": 2}
    )


def build_model(hp: keras_tuner.HyperParameters) -> keras.Model:
    """Builds both networks."""
    units = hp.Int("units", 16, 64, step=16)
    model = Gan(units)
    model.build((None, PIXELS))  # KerasTuner saves its weights, and it is never called.
    rate = hp.Float("generator_rate", 1e-4, 1e-2, sampling="log")
    model.compile(
        generator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5),
        critic_optimizer=keras.optimizers.Adam(
            rate * hp.Float("critic_slower", 0.1, 1.0), beta_1=0.5
        ),
    )
    return model


class Gan(keras.Model):
    """A generator, and a critic that tells its pictures from real ones."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.generator = keras.Sequential(
            [
                keras.Input((NOISE,)),
                keras.layers.Dense(units, "relu"),
                keras.layers.Dense(PIXELS, "sigmoid"),
            ]
        )
        self.critic = keras.Sequential(
            [
                keras.Input((PIXELS,)),
                keras.layers.Dense(units, "leaky_relu"),
                keras.layers.Dense(1),
            ]
        )
        self.gap = keras.metrics.Mean("gap")
        self.critic_loss = keras.metrics.Mean("critic_loss")

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer,
        critic_optimizer: keras.optimizers.Optimizer,
    ) -> None:
        """Takes an optimizer for each network."""
        super().compile()
        self.generator_optimizer = generator_optimizer
        self.critic_optimizer = critic_optimizer

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """What is averaged over an epoch, and begins anew with the next one."""
        return [self.gap, self.critic_loss]

    def call(self, pictures: tf.Tensor) -> tf.Tensor:
        """How real pictures look to the critic."""
        return self.critic(pictures)

    def train_step(self, pictures: tf.Tensor) -> dict[str, Any]:
        """One step of the critic, and one of the generator."""
        count = tf.shape(pictures)[0]
        with tf.GradientTape() as tape:
            real = self.critic(pictures, training=True)
            drawn = self.critic(self._drawn(count), training=True)
            loss = _entropy(1.0, real) + _entropy(0.0, drawn)
        _step(self.critic_optimizer, tape, loss, self.critic)
        self.critic_loss.update_state(loss)
        with tf.GradientTape() as tape:
            drawn = self.critic(self._drawn(count), training=True)
            deceit = _entropy(1.0, drawn)
        _step(self.generator_optimizer, tape, deceit, self.generator)
        return {"critic_loss": self.critic_loss.result()}

    def test_step(self, pictures: tf.Tensor) -> dict[str, Any]:
        """How far what it draws is from real pictures."""
        drawn = self._drawn(tf.shape(pictures)[0])
        moments = zip(tf.nn.moments(pictures, 0), tf.nn.moments(drawn, 0))
        self.gap.update_state(sum(tf.norm(real - false) for real, false in moments))
        return {"gap": self.gap.result()}

    def _drawn(self, count: tf.Tensor) -> tf.Tensor:
        return self.generator(tf.random.normal([count, NOISE]), training=True)


def _entropy(wanted: float, found: tf.Tensor) -> tf.Tensor:
    labels = tf.fill(tf.shape(found), wanted)
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=found)
    )


def _step(optimizer: Any, tape: Any, loss: tf.Tensor, network: keras.Model) -> None:
    gradients = tape.gradient(loss, network.trainable_variables)
    optimizer.apply_gradients(zip(gradients, network.trainable_variables))
