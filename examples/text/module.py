"""Which of two packages a docstring is from; the size of the vocabulary is tuned.

The text is prepared in `HyperModel.fit`, with a vocabulary in a file: it is made once for
each size, and not again for each trial of that size.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

import keras
import keras_tuner
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from tuner_component import TunerFnResult, data

# Words of a text that count.
LENGTH = 20


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search."""
    tuner = keras_tuner.RandomSearch(
        Classifier(fn_args.working_dir),
        objective="val_accuracy",
        max_trials=4,
        seed=1,
        directory=fn_args.working_dir,
        project_name="text",
    )
    fit_kwargs = {
        "x": _texts(fn_args, "train"),
        "validation_data": _texts(fn_args, "eval"),
        "epochs": 3,
        "verbose": 2,
    }
    return TunerFnResult(tuner=tuner, fit_kwargs=fit_kwargs)


class Classifier(keras_tuner.HyperModel):
    """A small network on the mean of word vectors.

    Args:
        directory: For vocabularies.
    """

    def __init__(self, directory: str) -> None:
        super().__init__()
        self._directory = directory

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Builds the network, whose input is numbers of words."""
        words = hp.Int("max_tokens", 100, 400, step=100)
        model = keras.Sequential(
            [
                keras.Input((LENGTH,), dtype="int64"),
                keras.layers.Embedding(words, hp.Choice("width", [8, 16])),
                keras.layers.GlobalAveragePooling1D(),
                keras.layers.Dense(1, "sigmoid"),
            ]
        )
        rate = hp.Float("rate", 3e-3, 1e-1, sampling="log")
        model.compile(
            keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"]
        )
        return model

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        x: tf.data.Dataset,
        validation_data: tf.data.Dataset,
        **kwargs: Any,
    ) -> Any:
        """Turns words into numbers, and trains."""
        words = self.vectorization(hp.get("max_tokens"), x)

        def numbered(text: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return words(text), label

        return model.fit(
            x.map(numbered), validation_data=validation_data.map(numbered), **kwargs
        )

    def vectorization(self, max_tokens: int, texts: tf.data.Dataset) -> Any:
        """Returns the layer that turns text into numbers of words.

        Args:
            max_tokens: How many words it knows.
            texts: To choose them from, if there is no file with them yet.
        """
        path = os.path.join(self._directory, f"vocabulary-{max_tokens}.txt")
        if not os.path.exists(path):
            layer = keras.layers.TextVectorization(max_tokens=max_tokens)
            layer.adapt(texts.map(lambda text, label: text))
            known = layer.get_vocabulary(include_special_tokens=False)
            # Other trials may look for the file: it appears whole, or not at all.
            with tempfile.NamedTemporaryFile(
                "w", dir=self._directory, delete=False
            ) as file:
                file.write("\n".join(known))
            os.replace(file.name, path)
        return keras.layers.TextVectorization(
            max_tokens=max_tokens, vocabulary=path, output_sequence_length=LENGTH
        )


def _texts(fn_args: FnArgs, split: str) -> tf.data.Dataset:
    rows = data.dataset(fn_args, split, columns=["text"], label="package")
    return rows.map(lambda columns, label: (columns["text"][:, 0], label)).cache()
