"""One workflow for a search, and for training with what it found.

`Workflow` has it all in one place: which hyperparameters there are, how they prepare the
data, how they train, and what counts. A trial runs it; so does whoever wants the model.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import keras_tuner
import numpy as np
from sklearn import decomposition


@dataclasses.dataclass(frozen=True)
class Workflow:
    """A classifier of wines, from raw measurements to a score.

    Attributes:
        x: Measurements, [wines, measurements].
        y: Numbers of the cultivars, [wines].
        held: Others to evaluate on.
    """

    x: Any
    y: Any
    held: tuple[Any, Any]

    def run(self, hp: keras_tuner.HyperParameters, seed: int = 1) -> Any:
        """Prepares, trains and evaluates.

        Args:
            hp: Of a trial, or the best ones.
            seed: Of weights and shuffling.

        Returns:
            The history of the training; its `model` is trained, and takes what `prepare`
            makes of the measurements.
        """
        keras.utils.set_random_seed(seed)
        train, held = self.prepare(hp)
        model = keras.Sequential(
            [
                keras.layers.Dense(hp.Int("units", 4, 32, step=4), "relu"),
                keras.layers.Dense(3, "softmax"),
            ]
        )
        model.compile(
            keras.optimizers.Adam(hp.Float("rate", 1e-3, 1e-1, sampling="log")),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        return model.fit(
            train,
            self.y,
            batch_size=32,
            validation_data=(held, self.held[1]),
            epochs=3,
            verbose=0,
        )

    def prepare(self, hp: keras_tuner.HyperParameters) -> tuple[Any, Any]:
        """Scales the measurements and keeps the main components; both are tuned."""
        x, held = self.x, self.held[0]
        if hp.Boolean("scale", default=True):
            mean, deviation = x.mean(0), x.std(0)
            x, held = (x - mean) / deviation, (held - mean) / deviation
        if hp.Boolean("main_components"):
            count = hp.Int("components", 2, 8, step=2)
            main = decomposition.PCA(count, random_state=0).fit(x)
            x, held = main.transform(x), main.transform(held)
        return np.asarray(x, np.float32), np.asarray(held, np.float32)
