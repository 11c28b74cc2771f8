"""A classifier of images; which tuner searches is a flag.

    tuner-component tune examples/images/module.py --train DATA --out OUT \
        -- --tuner_type=hyperband --train_batch_size=32

DATA is a TFRecord file of tf.Examples with JPEGs, or a directory with a folder of images
for each class (then with `--images=folder`). With `--replicas=2` each model is trained on
two logical devices by MirroredStrategy.
"""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from tuner_component import TunerFnResult, data

SIZE, CLASSES = 16, 10
EPOCHS = 4


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search; its flags are in `fn_args.custom_config`."""
    config = {
        "images": "records",
        "replicas": 1,
        "train_batch_size": 32,
        "trials": 3,
        "tuner_type": "random",
        **(fn_args.custom_config or {}),
    }
    strategy = _strategy(config["replicas"])
    tuner = make_tuner(config, strategy, fn_args.working_dir)
    read = {"folder": _from_folder, "records": _from_records}[config["images"]]
    stopping = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    fit_kwargs: dict[str, Any] = {
        "x": read(fn_args, "train", config["train_batch_size"]),
        "validation_data": read(fn_args, "eval", config["train_batch_size"]),
        "callbacks": [stopping],
        "verbose": 2,
    }
    if config["tuner_type"] != "hyperband":  # It says by itself how many epochs.
        fit_kwargs["epochs"] = EPOCHS
    return TunerFnResult(tuner=tuner, fit_kwargs=fit_kwargs)


def make_tuner(config: dict[str, Any], strategy: Any, directory: str) -> Any:
    """Makes the tuner that --tuner_type names."""
    common = {
        "objective": "val_accuracy",
        "directory": directory,
        "project_name": "images",
        "distribution_strategy": strategy,
        "seed": 1,
    }
    trials = {"max_trials": config["trials"]}
    make = {
        "bayesian": lambda: keras_tuner.BayesianOptimization(
            build_model, **common, **trials
        ),
        "hyperband": lambda: keras_tuner.Hyperband(
            build_model, **common, max_epochs=EPOCHS, factor=EPOCHS
        ),
        "random": lambda: keras_tuner.RandomSearch(build_model, **common, **trials),
    }
    if config["tuner_type"] not in make:
        raise ValueError(
            f"Expected --tuner_type to be one of {', '.join(make)}. Received: "
            f"{config['tuner_type']}."
        )
    return make[config["tuner_type"]]()


def build_model(hp: keras_tuner.HyperParameters) -> keras.Model:
    """Builds a small convolutional network."""
    filters = hp.Int("filters", 4, 16, step=4)
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(filters, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5, step=0.1)),
            keras.layers.Dense(CLASSES, "softmax"),
        ]
    )
    optimizer = keras.optimizers.get(
        hp.Choice("optimizer", ["adam", "rmsprop", "sgd"], default="adam")
    )
    optimizer.learning_rate = hp.Float("rate", 1e-3, 1e-1, sampling="log")
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _strategy(replicas: int) -> Any:
    """None for one replica; else a strategy over logical devices of this machine."""
    if replicas == 1:
        return None
    (cpu,) = tf.config.list_physical_devices("CPU")
    parts = [tf.config.LogicalDeviceConfiguration() for _ in range(replicas)]
    # Nothing may have run on the device before.
    tf.config.set_logical_device_configuration(cpu, parts)
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])


def _from_records(fn_args: FnArgs, split: str, batch_size: int) -> tf.data.Dataset:
    def decode(
        columns: dict[str, tf.Tensor], digit: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.io.decode_jpeg(tf.reshape(columns["image"], []), channels=1)
        return tf.ensure_shape(image, (SIZE, SIZE, 1)), tf.reshape(digit, [])

    rows = data.dataset(
        fn_args, split, columns=["image"], label="digit", batch_size=None
    )
    return rows.map(decode).cache().shuffle(1000, seed=1).batch(batch_size)


def _from_folder(fn_args: FnArgs, split: str, batch_size: int) -> tf.data.Dataset:
    return keras.utils.image_dataset_from_directory(
        data.image_folder(fn_args, split),
        image_size=(SIZE, SIZE),
        color_mode="grayscale",
        batch_size=batch_size,
        seed=1,
        verbose=False,
    )
