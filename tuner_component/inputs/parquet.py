"""Parquet files as tf.Examples: a feature for each column, an example for each row.

TFX has an executor for them, which takes each 0 and each False for a missing value.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow
import tensorflow as tf
from pyarrow import parquet

from tuner_component.inputs.inputs import SET_APART, require_int64
from tuner_component.inputs.tables import require_distinct


def convert(splits: Mapping[str, Sequence[str]], examples_uri: str) -> None:
    """Writes the rows as splits of examples.

    Args:
        splits: The files of each split. Without any for `eval`, it is a third of the rows.
        examples_uri: Directory for the splits.

    Raises:
        ValueError: If a file is no Parquet, or a column has values of other types.
    """
    divided = not splits.get("eval")
    writers = {}
    for split in ("train", "eval"):
        directory = os.path.join(examples_uri, f"Split-{split}")
        os.makedirs(directory)
        path = os.path.join(directory, "00000.tfrecord.gz")
        writers[split] = tf.io.TFRecordWriter(path, "GZIP")
    for split, paths in splits.items():
        rows = (row for path in paths for row in _rows(path))
        for number, row in enumerate(rows):
            set_apart = divided and number % SET_APART == 0
            writers["eval" if set_apart else split].write(_example(row))
    for writer in writers.values():
        writer.close()


def _rows(path: str) -> Iterator[dict[str, Any]]:
    try:
        with parquet.ParquetFile(path) as file:
            require_distinct(file.schema_arrow.names, path)
            for batch in file.iter_batches():
                yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise ValueError(
            f"Expected {path} to be a Parquet file. Received: {error}."
        ) from error
    except OverflowError as error:
        raise ValueError(
            f"Expected dates and times in {path} that Python knows. Received: others "
            f"({error}). Convert or drop their column."
        ) from error


def _example(row: Mapping[str, Any]) -> bytes:
    example = tf.train.Example()
    for name, value in row.items():
        values = value if isinstance(value, list) else [value]
        present = [one for one in values if not _is_missing(one)]
        if present:
            _fill(example.features.feature[name], present, name)
    data: bytes = example.SerializeToString()
    return data


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _fill(feature: Any, values: Sequence[Any], name: str) -> None:
    if all(isinstance(value, int) for value in values):  # bool is one of them.
        require_int64(max(values), f"the column {name}")
        feature.int64_list.value.extend(map(int, values))
    elif all(isinstance(value, (int, float)) for value in values):
        feature.float_list.value.extend(values)
    elif all(isinstance(value, (str, bytes)) for value in values):
        feature.bytes_list.value.extend(
            value.encode() if isinstance(value, str) else value for value in values
        )
    else:
        raise ValueError(
            f"Expected numbers or text, or lists of them, in the column {name}. Received: "
            f"{values[0]!r} of type {type(values[0]).__name__}. Convert or drop the column."
        )
