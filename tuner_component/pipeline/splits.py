"""The splits of the examples: which ones to use, and whether they hold data."""

import gzip
import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

from tfx import types
from tfx.dsl.io import fileio
from tfx.proto import trainer_pb2
from tfx.types import artifact_utils
from tfx.utils import proto_utils

from tuner_component.documents import compression

_log = logging.getLogger(__name__)


def resolve(
    examples: Sequence[types.Artifact],
    args: str | trainer_pb2.TrainArgs | trainer_pb2.EvalArgs,
    purpose: str,
) -> list[str]:
    """Returns the names of the splits to use.

    Args:
        examples: The Examples artifacts; each must have every split.
        args: A `TrainArgs` or `EvalArgs`, or its JSON. Without splits in it, the
            split named like `purpose` is used.
        purpose: `train` or `eval`.

    Raises:
        ValueError: If an artifact does not have a split.
    """
    splits = _requested(args, purpose) or [purpose]
    for artifact in examples:
        known = artifact_utils.decode_split_names(artifact.split_names)
        for split in splits:
            if split not in known:
                raise ValueError(
                    f"Expected {purpose}_args.splits to name splits of the examples: "
                    f"{known}. Received: {split!r}, which the artifact at "
                    f"{artifact.uri} does not have. Pass {purpose}_args="
                    f"{purpose.capitalize()}Args(splits=[...]) to the Tuner."
                )
    return splits


def warn_if_empty(splits: Sequence[str], patterns: Sequence[str]) -> None:
    """Warns if the files of the splits, and of folders in them, hold no example at all.

    Only the user's module knows whether it needs any. Reads at most one byte per file
    beyond its header, and no TensorFlow runtime is started: this process must not take
    GPU memory.

    Args:
        splits: The names of the splits, for the message.
        patterns: Their file patterns.
    """
    count = 0
    for path in _files(patterns):
        if _holds_data(path):
            return
        count += 1
    _log.warning(
        "Expected at least one example in the splits %s. Received: %s at %s. If your "
        "module reads them, check the split configuration of your ExampleGen, or name "
        "other splits in train_args and eval_args.",
        list(splits),
        f"{count} files without a record" if count else "no files",
        ", ".join(patterns),
    )


def _requested(
    args: str | trainer_pb2.TrainArgs | trainer_pb2.EvalArgs, purpose: str
) -> list[str]:
    if isinstance(args, str):
        parsed: Any = (
            trainer_pb2.TrainArgs() if purpose == "train" else trainer_pb2.EvalArgs()
        )
        proto_utils.json_to_proto(args, parsed)
        args = parsed
    return list(args.splits)


def _files(patterns: Sequence[str]) -> Iterator[str]:
    """The files at the patterns, and in the folders there: one per class, say."""
    for pattern in patterns:
        for path in fileio.glob(pattern):
            if not fileio.isdir(path):
                yield path
                continue
            for directory, _, names in fileio.walk(path):
                yield from (os.path.join(directory, name) for name in names)


def _holds_data(path: str) -> bool:
    try:
        return _has_content(path)
    except Exception:  # noqa: BLE001
        return True  # It is not empty. Whoever reads it says what is wrong with it.


def _has_content(path: str) -> bool:
    with fileio.open(path, "rb") as file:
        if not compression.is_gzip(file):
            return bool(file.read(1))
        with gzip.GzipFile(fileobj=file) as records:
            return bool(records.read(1))
