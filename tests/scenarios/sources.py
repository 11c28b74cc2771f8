"""Where data come from, as people write it."""

import os
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests.scenarios.common import (
    LABELS,
    X,
    arrays,
    batch,
    build,
    compiled,
    data,
    layers,
    search,
)


def _dataset() -> Any:
    return tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(8)


def _of_datasets(**changes: Any) -> dict[str, Any]:
    return data(**{"x": _dataset(), "validation_data": _dataset(), **changes})


def validation_split(fn_args: Any) -> Any:
    return search(
        fn_args, fit_kwargs=arrays(validation_data=None, validation_split=0.25)
    )


def dataset(fn_args: Any) -> Any:
    return search(fn_args, fit_kwargs=_of_datasets())


def dataset_shuffled_and_cached(fn_args: Any) -> Any:
    shuffled = _dataset().unbatch().cache().shuffle(32).batch(8).prefetch(1)
    return search(fn_args, fit_kwargs=_of_datasets(x=shuffled))


def dataset_without_end(fn_args: Any) -> Any:
    steps = {"steps_per_epoch": 2, "validation_steps": 1}
    endless = {"x": _dataset().repeat(), "validation_data": _dataset().repeat()}
    return search(fn_args, fit_kwargs=_of_datasets(**endless, **steps))


def dataset_cached_in_a_file(fn_args: Any) -> Any:
    # Two workers cannot share a file: each has one of its own.
    path = os.path.join(fn_args.working_dir, f"cache-{os.getpid()}")
    return search(fn_args, fit_kwargs=_of_datasets(x=_dataset().cache(path)))


def dataset_of_a_generator(fn_args: Any) -> Any:
    signature = (tf.TensorSpec((4,)), tf.TensorSpec((1,)))
    made = tf.data.Dataset.from_generator(
        lambda: zip(X, LABELS, strict=True), output_signature=signature
    )
    return search(fn_args, fit_kwargs=_of_datasets(x=made.batch(8)))


def generator(fn_args: Any) -> Any:
    def batches() -> Iterator[Any]:
        while True:
            yield X[:8], LABELS[:8]

    endless = {"x": batches(), "steps_per_epoch": 2}
    return search(fn_args, fit_kwargs=_of_datasets(**endless))


def sequence(fn_args: Any) -> Any:
    class Batches(keras.utils.Sequence):  # type: ignore[misc]
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            rows = slice(8 * index, 8 * index + 8)
            return X[rows], LABELS[rows]

    return search(fn_args, fit_kwargs=_of_datasets(x=Batches()))


def class_weights(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        return build(hp, loss="binary_crossentropy")

    return search(fn_args, model, arrays(class_weight={0: 1.0, 1: 3.0}))


def sample_weights(fn_args: Any) -> Any:
    return search(fn_args, fit_kwargs=arrays(sample_weight=np.ones(32, "float32")))


def class_weights_for_a_generator(fn_args: Any) -> Any:
    """Keras refuses them, in each trial."""

    def batches() -> Iterator[Any]:
        while True:
            yield X[:8], LABELS[:8]

    weighted = {"x": batches(), "steps_per_epoch": 2, "class_weight": {0: 1.0, 1: 3.0}}
    return search(fn_args, fit_kwargs=_of_datasets(**weighted), max_trials=4)


def dictionary_of_features(fn_args: Any) -> Any:
    features = {"a": X[:, :1], "b": X[:, 1:]}

    def model(hp: Any) -> Any:
        inputs = {"a": keras.Input((1,), name="a"), "b": keras.Input((3,), name="b")}
        joined = keras.layers.Concatenate()(list(inputs.values()))
        return compiled(keras.Model(inputs, keras.Sequential(layers(hp))(joined)))

    features_and_labels = batch(features)
    fit_kwargs = data(x=features_and_labels, validation_data=features_and_labels)
    return search(fn_args, model, fit_kwargs)


def file_that_is_open(fn_args: Any) -> Any:
    # Its position in the file is the process's: what another one reads is missing here.
    os.makedirs(fn_args.working_dir, exist_ok=True)
    path = os.path.join(fn_args.working_dir, f"rows-{os.getpid()}.csv")
    np.savetxt(path, np.hstack([X, LABELS]), delimiter=",")
    file = open(path)  # noqa: SIM115 - as users do

    def batches() -> Iterator[Any]:
        while True:
            file.seek(0)
            rows = np.loadtxt(file, delimiter=",", dtype="float32")
            assert len(rows) == 32
            yield rows[:, :4], rows[:, 4:]

    return search(fn_args, fit_kwargs=_of_datasets(x=batches(), steps_per_epoch=1))


def directory_that_must_be_new(fn_args: Any) -> Any:
    os.makedirs(fn_args.working_dir, exist_ok=True)
    os.mkdir(os.path.join(fn_args.working_dir, f"prepared-{os.getpid()}"))
    return search(fn_args)


def labels_that_one_loss_does_not_fit(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        kind = hp.Choice("loss", ["sparse_categorical_crossentropy", "mse"])
        return build(hp, loss=kind)

    pairs = np.hstack([LABELS, 1 - LABELS])
    fit_kwargs = data(x=batch(y=pairs), validation_data=batch(y=pairs))
    # Only the third trial has the other loss.
    return search(fn_args, model, fit_kwargs, max_trials=3)
