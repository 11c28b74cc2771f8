"""What is specific to the digits: model, search space and export.

TFX calls `tuner_fn` (Tuner) and `run_fn` (Trainer). It copies this file to wherever they
run, so it imports only installed packages, and no other file of this directory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import keras_tuner
import tensorflow as tf

from tuner_component import TunerFnResult, load_best_hyperparameters
from tuner_component.oracles import OptunaSearch

if TYPE_CHECKING:
    from tfx.v1.components import FnArgs

_SIDE, _CLASSES = 8, 10
_IMAGE = {"image": tf.io.FixedLenFeature([_SIDE * _SIDE], tf.float32)}
_LABELLED = {**_IMAGE, "digit": tf.io.FixedLenFeature([], tf.int64)}
_EPOCHS, _BATCH_SIZE, _MAX_TRIALS = 12, 32, 24


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Says what the Tuner searches.

    Args:
        fn_args: Where the data are, and a directory for the search.
    """
    tuner = OptunaSearch(
        build_model,
        objective="val_loss",
        max_trials=_MAX_TRIALS,
        directory=fn_args.working_dir,
        project_name="digits",
    )
    return TunerFnResult(tuner=tuner, fit_kwargs=_fit_kwargs(fn_args))


def build_model(hp: keras_tuner.HyperParameters) -> keras.Model:
    """Builds and compiles a classifier of images.

    Args:
        hp: Draws the hyperparameters in a search, and knows them afterwards. The defaults
            are a first guess: a small dense network with the learning rate of Keras.

    Returns:
        A compiled model that maps images, [batch, 64], to the probabilities of the
        digits, [batch, 10].
    """
    convolutions = hp.Int("convolutions", 0, 2, default=0)
    filters = hp.Int("filters", 8, 32, step=8) if convolutions else 0
    units = hp.Int("units", 16, 128, step=16, default=32)
    dropout = hp.Float("dropout", 0.0, 0.5, step=0.1, default=0.2)
    learning_rate = hp.Float("learning_rate", 1e-4, 3e-2, sampling="log", default=1e-3)

    inputs = keras.Input((_SIDE * _SIDE,))
    x = keras.layers.Rescaling(1 / 16)(inputs)
    x = keras.layers.Reshape((_SIDE, _SIDE, 1))(x)
    for _ in range(convolutions):
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(units, activation="relu")(x)
    x = keras.layers.Dropout(dropout)(x)
    outputs = keras.layers.Dense(_CLASSES, activation="softmax")(x)

    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def run_fn(fn_args: FnArgs) -> None:
    """Trains and exports a model.

    Args:
        fn_args: Where the data are, where to export the model, and the hyperparameters
            that the Tuner found; without any, those of the first guess are taken.
    """
    hp = keras_tuner.HyperParameters()
    if fn_args.hyperparameters:
        hp = load_best_hyperparameters(fn_args.hyperparameters)
    keras.utils.set_random_seed(1)
    model = build_model(hp)
    # A trial counts with its best epoch, so that is what is exported, too.
    best = keras.callbacks.EarlyStopping(patience=_EPOCHS, restore_best_weights=True)
    board = keras.callbacks.TensorBoard(fn_args.model_run_dir)
    model.fit(callbacks=[best, board], **_fit_kwargs(fn_args))

    serving = ServingModel(model)
    tf.saved_model.save(
        serving,
        fn_args.serving_model_dir,
        signatures={"serving_default": serving.predict},
    )


def _fit_kwargs(fn_args: FnArgs) -> dict[str, Any]:
    """Returns the arguments of `fit`, the same for the search and the final training."""
    train = _examples(fn_args.train_files)
    return {
        "x": train.shuffle(train.cardinality(), seed=1).batch(_BATCH_SIZE),
        "validation_data": _examples(fn_args.eval_files).batch(_BATCH_SIZE),
        "epochs": _EPOCHS,
        "verbose": 2,  # One line per epoch: the output goes to a log.
    }


def _examples(patterns: Sequence[str]) -> tf.data.Dataset:
    """Reads all pairs of image and digit into memory."""
    files = [file for pattern in patterns for file in sorted(tf.io.gfile.glob(pattern))]
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    serialized = list(records.as_numpy_iterator())
    parsed = tf.io.parse_example(serialized, _LABELLED)
    return tf.data.Dataset.from_tensor_slices((parsed["image"], parsed["digit"]))


class ServingModel(tf.Module):
    """The trained model as TensorFlow Serving loads it."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self._model = model

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def predict(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Reads digits.

        Args:
            examples: Serialized examples with an `image` each, [batch].

        Returns:
            `digit`, the most probable one, [batch], and `probabilities`, [batch, 10].
        """
        images = tf.io.parse_example(examples, _IMAGE)["image"]
        probabilities = self._model(images)
        return {
            "digit": tf.argmax(probabilities, axis=1),
            "probabilities": probabilities,
        }
