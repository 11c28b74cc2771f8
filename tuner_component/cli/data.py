"""Files as the executor's input artifacts: linked, or converted once and kept."""

import argparse
import glob
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tfx.components.example_gen.csv_example_gen import executor as csv_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from tuner_component.search.storage import turns

_SPLITS = ("train", "eval")
# In a directory that is whole. (Releases that converted in place wrote it last.)
_COMPLETE = "complete"


def artifacts(args: argparse.Namespace, directory: str) -> dict[str, list[Any]]:
    """Returns the executor's inputs.

    Args:
        args: Of the command `tune`.
        directory: For what has to be converted; several searches may use it at once.

    Raises:
        ValueError: If there is a mistake in the data.
    """
    is_csv = args.train[0].endswith(".csv")
    splits = {"train": args.train, "eval": args.eval}
    # What was converted before is used again: Beam would write the rows in another
    # order, and a search that goes on should train on the same data.
    home = os.path.join(directory, _digest(splits))
    _make(home, lambda aside: _fill(aside, splits, is_csv))
    inputs = {"examples": [_examples(home)]}
    if args.schema:
        inputs["schema"] = [_schema(args.schema, directory)]
    elif is_csv:
        inputs["schema"] = [_artifact("Schema", os.path.join(home, "schema"))]
    if args.transform_graph:
        inputs["transform_graph"] = [_artifact("TransformGraph", args.transform_graph)]
    if args.base_model:
        inputs["base_model"] = [_artifact("Model", args.base_model)]
    return inputs


def _fill(home: str, splits: Mapping[str, Sequence[str]], is_csv: bool) -> None:
    """Makes examples of files. For CSV files, converts them and infers their schema."""
    examples = _examples(home)
    if is_csv:
        _convert(splits, examples, home)
        _infer_schema(examples.uri, os.path.join(home, "schema"))
    else:
        _link(splits, examples.uri)


def _examples(home: str) -> Any:
    examples = standard_artifacts.Examples()
    examples.uri = os.path.join(home, "examples")
    examples.split_names = artifact_utils.encode_split_names(list(_SPLITS))
    return examples


def _make(path: str, fill: Callable[[str], None]) -> None:
    """Makes a directory, unless it is there: all of it at once, whoever else does.

    It is made aside and then gets its name, so nobody sees it half full.

    Args:
        path: The directory.
        fill: Writes into the directory that it is given.
    """
    complete = os.path.join(path, _COMPLETE)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with turns.turn(path) as alone:
        if os.path.exists(complete):
            return
        if alone:
            # Of processes that were killed, and of releases that converted in place.
            for leftover in (path, *glob.glob(glob.escape(f"{path}.part-") + "*")):
                shutil.rmtree(leftover, ignore_errors=True)
        aside = f"{path}.part-{uuid.uuid4().hex}"
        try:
            os.mkdir(aside)
            fill(aside)
            with open(os.path.join(aside, _COMPLETE), "w"):
                pass
            try:
                os.rename(aside, path)
            except OSError:
                # Without locks another process may have been faster.
                if not os.path.exists(complete):
                    raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _digest(splits: Mapping[str, Sequence[str]]) -> str:
    """A name for the content of files."""
    digest = hashlib.sha256()
    for split, paths in splits.items():
        for path in paths:
            digest.update(f"{split} {os.path.basename(path)} ".encode())
            with open(path, "rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()[:16]


def _artifact(kind: str, path: str) -> Any:
    if not os.path.isdir(path):
        raise ValueError(
            f"Expected a directory with a {kind}. Received: {path}, which is not a "
            "directory."
        )
    artifact = getattr(standard_artifacts, kind)()
    artifact.uri = os.path.abspath(path)
    return artifact


def _schema(path: str, directory: str) -> Any:
    """The schema artifact: a directory that holds only the schema."""
    if os.path.isdir(path):
        return _artifact("Schema", path)
    home = os.path.join(directory, f"schema-{_digest({'schema': [path]})}")

    def fill(aside: str) -> None:
        os.mkdir(os.path.join(aside, "schema"))
        shutil.copy(path, os.path.join(aside, "schema", "schema.pbtxt"))

    _make(home, fill)
    return _artifact("Schema", os.path.join(home, "schema"))


def _link(splits: Mapping[str, Sequence[str]], uri: str) -> None:
    for split, paths in splits.items():
        directory = os.path.join(uri, f"Split-{split}")
        os.makedirs(directory)
        for number, path in enumerate(paths):
            name = f"{number:05}-{os.path.basename(path)}"
            os.symlink(os.path.abspath(path), os.path.join(directory, name))


def _convert(splits: Mapping[str, Sequence[str]], examples: Any, home: str) -> None:
    """Has TFX's CsvExampleGen convert CSV files, as it would in a pipeline."""
    source = os.path.join(home, "csv")
    named = {split: paths for split, paths in splits.items() if paths}
    for split, paths in named.items():
        os.makedirs(os.path.join(source, split))
        for number, path in enumerate(paths):
            link = os.path.join(source, split, f"{number:05}.csv")
            os.symlink(os.path.abspath(path), link)
    split = example_gen_pb2.Input.Split
    given = example_gen_pb2.Input(
        splits=[split(name=name, pattern=f"{name}/*.csv") for name in named]
    )
    output = example_gen_pb2.Output()
    if "eval" not in named:
        for name, buckets in (("train", 2), ("eval", 1)):
            output.split_config.splits.add(name=name, hash_buckets=buckets)
    context = csv_executor.Executor.Context(
        beam_pipeline_args=["--runner=DirectRunner"],
        tmp_dir=os.path.join(home, "tmp"),
        unique_id="csv",
    )
    csv_executor.Executor(context).Do(
        {},
        {"examples": [examples]},
        {
            "input_base": source,
            "input_config": proto_utils.proto_to_json(given),
            "output_config": proto_utils.proto_to_json(output),
            "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
            "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
        },
    )


def _infer_schema(examples_uri: str, directory: str) -> None:
    """Has TensorFlow Data Validation look at the train split."""
    import tensorflow_data_validation as tfdv

    files = os.path.join(examples_uri, "Split-train", "*")
    if not glob.glob(files):
        raise ValueError("Expected rows in the CSV files of --train. Received: none.")
    statistics = tfdv.generate_statistics_from_tfrecord(files)
    os.makedirs(directory)
    schema = tfdv.infer_schema(statistics)
    tfdv.write_schema_text(schema, os.path.join(directory, "schema.pbtxt"))
