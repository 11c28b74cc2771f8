"""What artifacts hold, however it is laid out in their files.

A pipeline that runs again without cache writes the same examples in another order, with
their features in another order, and the same transform graph with other names. For a
search they are the same.
"""

import collections
import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from google.protobuf import message
from tensorflow.core.protobuf import saved_model_pb2
from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.components.util import examples_utils
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from tuner_component.identity import graph_digest

# More examples than this are not read for a digest: their files count by name, size, and
# this much of their content at the beginning and at the end.
_MOST_BYTES = 4 << 30
_SAMPLE_BYTES = 1 << 16

_CHUNK_BYTES = 1 << 20

# Of published results: the picture of what the other files say.
_REPORT = "report.html"

_MESSAGES = {
    example_gen_pb2.FORMAT_TF_EXAMPLE: tf.train.Example,
    example_gen_pb2.FORMAT_TF_SEQUENCE_EXAMPLE: tf.train.SequenceExample,
}


def describe(artifact: types.Artifact) -> Iterator[str]:
    """Describes the content of an artifact in lines; the same for the same content.

    For examples, neither their order nor their division into files counts; for a saved
    model, neither the names nor the order of its nodes; of statistics, only what the
    user's module gets of them, since those of the same examples differ in their digits;
    of results, not the report, which each release draws anew.

    Args:
        artifact: Its files must exist.
    """
    files = sorted(_files(artifact.uri))
    if artifact.type_name == standard_artifacts.Examples.TYPE_NAME:
        yield from _examples(artifact, files)
        return
    if artifact.type_name == standard_artifacts.ExampleStatistics.TYPE_NAME:
        for split in sorted(artifact_utils.decode_split_names(artifact.split_names)):
            yield f"{split} {num_examples(artifact, split)}"
        return
    if artifact.type_name == standard_artifacts.TunerResults.TYPE_NAME:
        files = [(name, path) for name, path in files if name != _REPORT]
    for name, path in files:
        base = os.path.basename(name)
        if base == "saved_model.pb":
            yield f"{name} {_graph(path)}"
        elif base != "fingerprint.pb":  # A checksum of the graph as it was written.
            yield f"{name} {digest_of_file(path)}"


def num_examples(statistics: types.Artifact, split: str) -> int:
    """Returns the number of examples that statistics tell of a split.

    Args:
        statistics: An ExampleStatistics artifact.
        split: One of its splits.
    """
    view = stats_artifact_utils.load_statistics(statistics, split)
    return sum(dataset.num_examples for dataset in view.proto().datasets)


def digest_of_file(path: str) -> str:
    """Returns a digest of a file's bytes.

    Args:
        path: Path or URI.
    """
    found = hashlib.sha256()
    with fileio.open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()


def _files(uri: str) -> Iterator[tuple[str, str]]:
    """Names below `uri`, and the paths."""
    for directory, _, names in fileio.walk(uri):
        for name in names:
            path = os.path.join(directory, name)
            yield os.path.relpath(path, uri), path


def _examples(artifact: types.Artifact, files: list[tuple[str, str]]) -> Iterator[str]:
    if sum(map(_size, (path for _, path in files))) > _MOST_BYTES:
        for name, path in files:
            yield f"{name} {_ends(path)}"
        return
    kind = _MESSAGES.get(examples_utils.get_payload_format(artifact))
    counts: collections.Counter[str] = collections.Counter()
    sums: collections.Counter[str] = collections.Counter()
    for name, path in files:
        count, total = 0, 0
        try:
            for count, record in enumerate(_records(path), start=1):
                total += _digest_of_record(record, kind)
        except tf.errors.OpError:  # Another format, or torn.
            yield f"{name} {digest_of_file(path)}"
        else:
            split = os.path.dirname(name)
            counts[split] += count
            sums[split] += total
    for split, count in sorted(counts.items()):
        # The sum does not depend on the order, and counts what is there twice.
        yield f"{split} {count} {sums[split]:x}"


def _records(path: str) -> Iterator[bytes]:
    # A dataset would start TensorFlow's runtime in this process, which takes the GPUs.
    compression = "GZIP" if path.endswith(".gz") else ""
    with _no_warnings():
        reader = tf.compat.v1.io.tf_record_iterator(
            path, options=tf.io.TFRecordOptions(compression)
        )
    yield from reader


@contextlib.contextmanager
def _no_warnings() -> Iterator[None]:
    """Keeps TensorFlow's advice to use a dataset out of the user's log."""
    log = logging.getLogger("tensorflow")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _digest_of_record(record: bytes, kind: Any) -> int:
    """128 bits that depend on what the record says, not on how it was written."""
    if kind is not None:
        with contextlib.suppress(message.DecodeError):
            record = kind.FromString(record).SerializeToString(deterministic=True)
    return int.from_bytes(hashlib.sha256(record).digest()[:16], "big")


def _graph(path: str) -> str:
    """A digest of what a saved model computes with; its variables are other files."""
    with fileio.open(path, "rb") as file:
        data = file.read()
    try:
        model = saved_model_pb2.SavedModel.FromString(data)
    except message.DecodeError:
        return hashlib.sha256(data).hexdigest()
    return graph_digest.digest(model)


def _size(path: str) -> int:
    with fileio.open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        size: int = file.tell()
        return size


def _ends(path: str) -> str:
    size = _size(path)
    with fileio.open(path, "rb") as file:
        head = file.read(_SAMPLE_BYTES)
        file.seek(max(0, size - _SAMPLE_BYTES))
        tail = file.read(_SAMPLE_BYTES)
    return f"{size} {hashlib.sha256(head + tail).hexdigest()}"
