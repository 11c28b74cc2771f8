"""Arrays of .npz files as tf.Examples: a feature for each array, an example for each row."""

import contextlib
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tuner_component.inputs.inputs import SET_APART, require_int64, require_rows

# As in x_train and y_test: what is before it is the name of the feature. Of several, the
# first counts: where there are data for validation, test data stay unseen.
_ENDS = {
    "train": ("_train",),
    "eval": ("_eval", "_val", "_valid", "_validation", "_test"),
}

_Arrays = dict[str, Any]


def convert(
    splits: Mapping[str, Sequence[str]], examples_uri: str, schema_directory: str
) -> None:
    """Writes the arrays as splits of examples, and their schema.

    Args:
        splits: The files of each split. Without any for `eval`, it is the arrays named
            like x_test, or else a third of the rows.
        examples_uri: Directory for the splits.
        schema_directory: Directory for the schema, with the shapes of the arrays.

    Raises:
        ValueError: If a file does not have such arrays.
    """
    arrays = {split: [_read(p) for p in paths] for split, paths in splits.items()}
    if not arrays.get("eval"):
        arrays = _divided(arrays["train"])
    _check_alike([part for parts in arrays.values() for part in parts])
    require_rows(sum(map(_length, arrays["train"])))
    for split, parts in arrays.items():
        directory = os.path.join(examples_uri, f"Split-{split}")
        os.makedirs(directory)
        for number, part in enumerate(parts):
            name = f"{number:05}.tfrecord.gz"
            _write(part, os.path.join(directory, name))
    os.makedirs(schema_directory)
    with open(os.path.join(schema_directory, "schema.pbtxt"), "w") as file:
        file.write(text_format.MessageToString(_schema(arrays["train"])))


def _read(path: str) -> _Arrays:
    with _explained(path):
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("one array, as numpy.save writes it")
        with archive:
            arrays = {name: archive[name] for name in archive.files}
    kinds = {name: array.dtype.kind for name, array in arrays.items()}
    if strange := {
        n: str(arrays[n].dtype) for n, k in kinds.items() if k not in "biufSU"
    }:
        raise ValueError(
            f"Expected arrays of numbers or of text in {path}. Received: {strange}."
        )
    for name, array in arrays.items():
        if kinds[name] == "u" and array.size:
            require_int64(int(array.max()), f"the array {name} of {path}")
    return arrays


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"Expected {path} to be a file that numpy.savez wrote, with arrays of numbers "
            f"or of text. Received: {error}."
        ) from error


def _divided(files: Sequence[_Arrays]) -> dict[str, list[_Arrays]]:
    """Splits of files that have both."""
    named = {
        split: [_named(arrays, ends) for arrays in files]
        for split, ends in _ENDS.items()
    }
    if all(any(arrays) for arrays in named.values()):
        return named
    rows = named["train"] if any(named["train"]) else files
    return {
        "train": [_rows(arrays, lambda i: i % SET_APART != 0) for arrays in rows],
        "eval": [_rows(arrays, lambda i: i % SET_APART == 0) for arrays in rows],
    }


def _named(arrays: _Arrays, ends: Sequence[str]) -> _Arrays:
    """Those whose names have the first of the ends that any name has, without it."""
    for end in ends:
        found = {
            name.removesuffix(end): array
            for name, array in arrays.items()
            if name.endswith(end) and name != end
        }
        if found:
            return found
    return {}


def _check_alike(files: Sequence[_Arrays]) -> None:
    """Raises if arrays of one name differ in what a schema says of them."""
    forms: dict[str, tuple[str, tuple[int, ...]]] = {}
    for arrays in files:
        for name, array in arrays.items():
            form = _type_of(array), array.shape[1:]
            known = forms.setdefault(name, form)
            if form != known:
                raise ValueError(
                    f"Expected the arrays {name} of all files and splits to have one type, "
                    f"and rows of one shape. Received: {known[0]} of shape {known[1]}, and "
                    f"{form[0]} of shape {form[1]}. Convert one to the other."
                )


def _type_of(array: Any) -> str:
    """The type of a feature, as a schema calls it."""
    return {"f": "FLOAT", "S": "BYTES", "U": "BYTES"}.get(array.dtype.kind, "INT")


def _rows(arrays: _Arrays, chosen: Any) -> _Arrays:
    numbers = np.arange(_length(arrays))
    return {name: array[chosen(numbers)] for name, array in arrays.items()}


def _length(arrays: _Arrays) -> int:
    lengths = {
        name: len(array) if array.ndim else None for name, array in arrays.items()
    }
    if len(set(lengths.values())) != 1 or None in lengths.values():
        raise ValueError(
            "Expected arrays of the same length in an .npz file, or arrays that are named "
            f"like x_train, y_train, x_test, y_test. Received: {lengths}."
        )
    length: int = next(iter(lengths.values()))  # type: ignore[assignment]
    return length


def _write(arrays: _Arrays, path: str) -> None:
    with tf.io.TFRecordWriter(path, "GZIP") as file:
        for row in range(_length(arrays)):
            example = tf.train.Example()
            for name, array in arrays.items():
                _fill(example.features.feature[name], np.ravel(array[row]))
            file.write(example.SerializeToString())


def _fill(feature: Any, values: Any) -> None:
    if values.dtype.kind == "f":
        feature.float_list.value.extend(values.tolist())
    elif values.dtype.kind in "biu":
        feature.int64_list.value.extend(values.astype(np.int64).tolist())
    else:
        texts = [v.encode() if isinstance(v, str) else v for v in values.tolist()]
        feature.bytes_list.value.extend(texts)


def _schema(files: Sequence[_Arrays]) -> schema_pb2.Schema:
    schema = schema_pb2.Schema()
    for name, array in files[0].items():
        kind = schema_pb2.FeatureType.Value(_type_of(array))
        feature = schema.feature.add(name=name, type=kind)
        feature.presence.min_fraction = 1.0
        feature.shape.SetInParent()
        for size in array.shape[1:]:
            feature.shape.dim.add(size=size)
    return schema
