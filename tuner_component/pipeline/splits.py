"""The splits of the examples: which ones to use, and that they hold data."""

import gzip
from collections.abc import Sequence
from typing import Any

from tfx import types
from tfx.dsl.io import fileio
from tfx.proto import trainer_pb2
from tfx.types import artifact_utils
from tfx.utils import proto_utils

_GZIP_MAGIC = b"\x1f\x8b"


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


def check_not_empty(splits: Sequence[str], patterns: Sequence[str]) -> None:
    """Raises a ValueError if the files of the splits hold no example at all.

    Reads at most one byte per file beyond its header, and no TensorFlow runtime is
    started: this process must not take GPU memory.

    Args:
        splits: The names of the splits, for the message.
        patterns: Their file patterns.
    """
    paths = [path for pattern in patterns for path in fileio.glob(pattern)]
    if not any(_holds_data(path) for path in paths):
        found = f"{len(paths)} files without a record" if paths else "no files"
        raise ValueError(
            f"Expected at least one example in the splits {list(splits)}. Received: "
            f"{found} at {', '.join(patterns)}. Check the split configuration of "
            "your ExampleGen, or name other splits in train_args and eval_args."
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


def _holds_data(path: str) -> bool:
    with fileio.open(path, "rb") as file:
        head = file.read(len(_GZIP_MAGIC))
        if head != _GZIP_MAGIC:
            return bool(head)
        file.seek(0)
        with gzip.GzipFile(fileobj=file) as records:
            return bool(records.read(1))
