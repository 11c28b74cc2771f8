"""What columns there are: from the schema, or from the first examples."""

import collections
from collections.abc import Collection, Sequence
from typing import Any

import tensorflow as tf
from google.protobuf import message, text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.io import fileio

from tuner_component.documents import compression

# Examples that are looked at where there is no schema.
_LOOK_AT = 1000
_TYPE_OF = {"bytes_list": "BYTES", "float_list": "FLOAT", "int64_list": "INT"}


def schema_of(fn_args: Any, patterns: Sequence[str]) -> schema_pb2.Schema:
    """Returns the schema of the examples.

    It is that of the transformed examples if there is a transform graph; or else that of
    the schema; without one, it is inferred from the first examples.

    Args:
        fn_args: Of `tuner_fn` or `run_fn`.
        patterns: Of the files.

    Raises:
        ValueError: If there are no tf.Examples to infer it from.
    """
    if fn_args.transform_graph_path:
        import tensorflow_transform as tft

        output = tft.TFTransformOutput(fn_args.transform_graph_path)
        return output.transformed_metadata.schema
    if fn_args.schema_path:
        with fileio.open(fn_args.schema_path, "rb") as file:
            return text_format.Parse(file.read(), schema_pb2.Schema())
    return _inferred(patterns)


def _separated(names: Collection[str]) -> str:
    """What to do about a CSV file whose line of names was taken for one name."""
    found = [
        mark for mark in (";", "\t", "|") if len(names) == 1 and mark in min(names)
    ]
    if not found:
        return ""
    return f" Separate the values of the CSV file by commas, not by {found[0]!r}."


def only(schema: schema_pb2.Schema, columns: Sequence[str]) -> schema_pb2.Schema:
    """Returns a schema with some of its columns.

    Raises:
        ValueError: If it does not have them all.
    """
    known = {feature.name: feature for feature in schema.feature}
    if unknown := [name for name in columns if name not in known]:
        raise ValueError(
            f"Expected columns that the data have: {', '.join(sorted(known)) or 'none'}. "
            f"Received: {', '.join(unknown)}.{_separated(known)}"
        )
    chosen = schema_pb2.Schema()
    chosen.CopyFrom(schema)
    del chosen.feature[:]
    chosen.feature.extend(known[name] for name in dict.fromkeys(columns))
    return chosen


def _inferred(patterns: Sequence[str]) -> schema_pb2.Schema:
    kinds: dict[str, str] = {}
    lengths: dict[str, set[int]] = collections.defaultdict(set)
    counts: collections.Counter[str] = collections.Counter()
    total = 0
    for total, example in enumerate(_examples(patterns), start=1):
        for name, feature in example.features.feature.items():
            if kind := feature.WhichOneof("kind"):
                kinds[name] = _TYPE_OF[kind]
                lengths[name].add(len(getattr(feature, kind).value))
                counts[name] += 1
    if not kinds:
        raise ValueError(
            f"Expected tf.Examples. Received: none in {', '.join(patterns)}. Check the "
            "data, or give a schema."
        )
    schema = schema_pb2.Schema()
    for name, kind in sorted(kinds.items()):
        feature = schema.feature.add(name=name, type=schema_pb2.FeatureType.Value(kind))
        if counts[name] == total and len(lengths[name]) == 1:
            feature.presence.min_fraction = 1.0
            feature.shape.dim.add(size=lengths[name].pop())
        elif max(lengths[name]) == 1:
            feature.value_count.max = 1
    return schema


def _examples(patterns: Sequence[str]) -> Any:
    paths = sorted(path for pattern in patterns for path in fileio.glob(pattern))
    left = _LOOK_AT
    for path in paths:
        with fileio.open(path, "rb") as file:
            kind = "GZIP" if compression.is_gzip(file) else ""
        try:
            for record in tf.data.TFRecordDataset(path, kind).take(left):
                left -= 1
                yield tf.train.Example.FromString(record.numpy())
        except (tf.errors.OpError, message.DecodeError) as error:
            raise ValueError(
                f"Expected TFRecord files of tf.Examples. Received: {path} ({error})."
            ) from error
        if not left:
            return
