"""What tests of interrupted trials share: tiny models, and ways to interrupt them."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
import keras_tuner
import numpy as np

from tuner_component.search.training.write_budget import WriteBudget

_RANDOM = np.random.default_rng(0)
X = _RANDOM.normal(size=(80, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
DATA = {"x": X, "y": Y, "validation_split": 0.25, "verbose": 0}


class EveryEpoch(WriteBudget):
    """Writes after every epoch: otherwise the models here train too fast for a write."""

    def allows(self, size: int, at_end: bool = False) -> bool:
        return True


class NoEpoch(WriteBudget):
    """Writes after no epoch, unless the process is about to end."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(share=1e-9, **kwargs)


class Interrupt(BaseException):
    """Ends a search at once, as a kill does: no code catches it."""


class InterruptAt(keras.callbacks.Callback):  # type: ignore[misc]
    """Interrupts at the end of the n-th epoch that the process trains.

    The callback comes before the checkpoint: that epoch is finished, but not saved.
    KerasTuner trains with copies of the callback, so the class keeps the count.
    """

    remaining: int | None = None
    epochs: ClassVar[list[int]] = []

    @classmethod
    def after(cls, epochs: int | None) -> None:
        """Starts to count again; None never interrupts."""
        cls.remaining, cls.epochs = epochs, []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        cls = type(self)
        cls.epochs.append(epoch)
        if cls.remaining is not None and len(cls.epochs) == cls.remaining:
            self.interrupt()

    def interrupt(self) -> None:
        raise Interrupt


def build(hp: keras_tuner.HyperParameters) -> Any:
    """A model with dropout and slots that Keras builds only at its first batch."""
    model = keras.Sequential(
        [
            keras.layers.Dense(hp.Int("units", 4, 8), activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(1),
        ]
    )
    learning_rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    # Tracing a graph would take longer than this little training.
    model.compile(keras.optimizers.Adam(learning_rate), "mse", run_eagerly=True)
    return model


def build_traced(hp: keras_tuner.HyperParameters) -> Any:
    """The same, trained as users train."""
    model = build(hp)
    model.compile(model.optimizer, "mse")
    return model


def outcome(tuner: Any) -> dict[str, Any]:
    """What a search found: scores, best epochs, and the weights of those epochs."""
    trials = tuner.oracle.get_best_trials(10)
    models = tuner.get_best_models(len(trials))
    return {
        "scores": [trial.score for trial in trials],
        "steps": [trial.best_step for trial in trials],
        "weights": [[w.tolist() for w in model.get_weights()] for model in models],
    }
