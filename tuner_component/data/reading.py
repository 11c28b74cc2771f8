"""Columns of examples, as batches or as arrays."""

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public import tfxio

from tuner_component.data import schemas
from tuner_component.data.files import patterns

_log = logging.getLogger("tuner_component")

# Text that stands for a missing number, in lower case.
_NOTHING = frozenset(["", "na", "n/a", "null", "none", "-", "?"])
# Rows that are read at once where there are no batches.
_CHUNK = 1024


def dataset(
    fn_args: Any,
    split: str,
    *,
    columns: Sequence[str] | None = None,
    label: str | None = None,
    classes: Sequence[str] | None = None,
    batch_size: int | None = 32,
    shuffle: bool = False,
    seed: int | None = None,
) -> tf.data.Dataset:
    """Returns the examples of a split, in one pass.

    Args:
        fn_args: Of `tuner_fn` or `run_fn`.
        split: `train` or `eval`.
        columns: Their names; by default all but the label.
        label: The name of the label's column, if there is one.
        classes: The values of a label that is text, in the order of their numbers.
        batch_size: Examples in a batch; None for single examples, without the dimension
            of the batch.
        shuffle: Whether each pass is in another order.
        seed: Of the order; without one it is another in each process.

    Returns:
        A dataset of columns by name, or of pairs of these and the label. Columns have
        the shape [batch, values], or that which the schema gives them; the label has the
        shape [batch] if it is one value. Where a value is missing, there is NaN (the
        column then is float32), or the empty text.

    Raises:
        ValueError: If there is no such column, or the label has other classes.
    """
    files = list(patterns(fn_args, split))
    schema = schemas.schema_of(fn_args, files)
    if columns is not None:
        schema = schemas.only(schema, [*columns, *([label] if label else [])])
    elif label:
        schemas.only(schema, [label])  # Says so if there is no such column.
    options = tfxio.TensorFlowDatasetOptions(
        batch_size=batch_size or _CHUNK,
        num_epochs=1,
        shuffle=shuffle,
        shuffle_seed=seed,
    )
    rows = fn_args.data_accessor.tf_dataset_factory(files, options, schema)
    features = {feature.name: feature for feature in schema.feature}
    if classes is not None:
        _check_classes(classes, label, features)
    number_of = _number_of(classes) if classes is not None else None

    def convert(batch: dict[str, Any]) -> Any:
        dense = {
            name: _dense(value, features[name])
            for name, value in batch.items()
            if name in features
        }
        if label is None:
            return dense
        values = dense.pop(label)
        if values.shape.rank == 2 and values.shape[1] == 1:
            values = tf.squeeze(values, 1)
        return dense, values if number_of is None else number_of(values)

    converted = rows.map(convert, num_parallel_calls=tf.data.AUTOTUNE)
    return converted.unbatch() if batch_size is None else converted


def table(
    fn_args: Any,
    split: str,
    columns: Sequence[str],
    *,
    label: str,
    classes: Sequence[str] | None = None,
    missing: float | None = None,
) -> tuple[Any, Any]:
    """Returns the examples of a split as arrays, for data that fit into memory.

    Args:
        fn_args: Of `tuner_fn` or `run_fn`.
        split: `train` or `eval`.
        columns: Names of columns with numbers, or with text that says numbers.
        label: The name of the label's column.
        classes: The values of a label that is text, in the order of their numbers.
        missing: What stands for a value that is missing, or is no number: NaN if it is
            left out, and then a warning says in which columns.

    Returns:
        The columns, float32 of the shape [examples, columns] (more if a column has
        several values), and the labels, [examples]: as they are, or the numbers of the
        classes.

    Raises:
        ValueError: If there is no such column, one has text and no number at all, or the
            label has other classes.
    """
    if not columns or label in columns:
        raise ValueError(
            "Expected one or more columns, and the label not among them. Received: columns "
            f"{list(columns)}, label {label!r}. Name what the model learns from."
        )
    rows = dataset(
        fn_args, split, columns=columns, label=label, classes=classes, batch_size=_CHUNK
    )
    batches = list(rows.as_numpy_iterator())
    if not batches:
        raise ValueError(
            f"Expected examples in the split {split}. Received: none in "
            f"{', '.join(patterns(fn_args, split))}."
        )
    numbers = [
        _numbers(name, _stacked([batch[name] for batch, _ in batches]))
        for name in columns
    ]
    x = np.concatenate(numbers, axis=1)
    y = np.concatenate([labels for _, labels in batches])
    looked_at = dict(zip(columns, numbers, strict=True)) if missing is None else {}
    if y.dtype.kind == "f":
        looked_at[label] = y
    _warn_of_missing(split, looked_at)
    if missing is not None:
        x[np.isnan(x)] = missing
    return x, _text(y)


def _warn_of_missing(split: str, columns: dict[str, Any]) -> None:
    """Warns of values that are missing, from which most models learn nothing."""
    counts = {
        name: int(np.isnan(column.reshape(len(column), -1)).any(axis=1).sum())
        for name, column in columns.items()
    }
    found = [
        f"{name} ({count} of {len(columns[name])})"
        for name, count in counts.items()
        if count
    ]
    if found:
        _log.warning(
            "Expected numbers in all examples of the split %s. Received: none in %s. They "
            "are NaN, from which most models learn nothing: the loss is NaN as well. For "
            "columns of inputs say what stands for them: missing=0.0, or missing=math.nan "
            "if the model can do with NaN. Leave out examples without a label.",
            split,
            ", ".join(found),
        )


def _dense(value: Any, feature: schema_pb2.Feature) -> Any:
    """A column with a value everywhere."""
    if isinstance(value, tf.Tensor):
        return value
    if value.dtype != tf.string:
        value = tf.cast(value, tf.float32)
    filler = "" if value.dtype == tf.string else math.nan
    if isinstance(value, tf.RaggedTensor):
        return value.to_tensor(filler)
    # A batch in which all values are missing has no columns.
    width = tf.maximum(value.dense_shape[1], 1)
    shape = tf.stack([value.dense_shape[0], width])
    dense = tf.sparse.to_dense(tf.sparse.reset_shape(value, shape), filler)
    if feature.value_count.max == 1:
        dense = tf.ensure_shape(dense, [None, 1])
    return dense


def _check_classes(
    classes: Sequence[str], label: str | None, features: dict[str, schema_pb2.Feature]
) -> None:
    if label is None or features[label].type != schema_pb2.FeatureType.BYTES:
        raise ValueError(
            "Expected a label of text with classes, which are its values in the order of "
            f"their numbers. Received: the label {label!r}, which is none. Leave classes "
            "out: numbers stay as they are."
        )
    if isinstance(classes, str) or not classes or len(set(classes)) < len(classes):
        raise ValueError(
            f"Expected classes to be a list of the values of the label {label!r}, each of "
            f"them once. Received: {classes!r}."
        )


def _number_of(classes: Sequence[str]) -> Any:
    """A function from labels to the numbers of their classes."""
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(list(classes), tf.range(len(classes))), -1
    )

    def number(values: Any) -> Any:
        numbers = table.lookup(values)
        known = tf.debugging.assert_non_negative(
            numbers,
            f"Expected labels among {list(classes)}. Received: others. Name all classes.",
        )
        with tf.control_dependencies([known] if known is not None else []):
            return tf.identity(numbers)

    return number


def _numbers(name: str, column: Any) -> Any:
    """A column as float32, [rows, values]."""
    if column.dtype == object:
        texts = column
        column = np.vectorize(_number, otypes=[np.float32])(texts)
        if np.isnan(column).all():
            _refuse_words(name, texts)
    return column.reshape(len(column), -1).astype(np.float32)


def _stacked(batches: Sequence[Any]) -> Any:
    """A column of all batches, [rows, values], with nothing where others have more."""
    flat = [batch.reshape(len(batch), -1) for batch in batches]
    width = max(batch.shape[1] for batch in flat)
    nothing = b"" if flat[0].dtype == object else math.nan
    return np.concatenate(
        [
            batch
            if batch.shape[1] == width
            else np.pad(
                batch, ((0, 0), (0, width - batch.shape[1])), constant_values=nothing
            )
            for batch in flat
        ]
    )


def _refuse_words(name: str, texts: Any) -> None:
    """Raises if a column without any number has text that does not mean a missing one."""
    words = sorted(
        word
        for word in {text.decode(errors="replace") for text in texts.flat}
        if word.strip().lower() not in _NOTHING
    )
    if words:
        raise ValueError(
            f"Expected numbers in the column {name}. Received: text alone, such as "
            f"{words[0]!r}. Leave it out of the columns, or read it with data.dataset and "
            "have a layer encode it, such as keras.layers.StringLookup."
        )


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _text(labels: Any) -> Any:
    if labels.dtype == object:
        return np.char.decode(labels.astype(bytes))
    return labels
