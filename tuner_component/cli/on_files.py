"""The component's executor, called on files instead of artifacts of a pipeline."""

import argparse
import glob
import hashlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from absl import logging
from tfx.components.example_gen.csv_example_gen import executor as csv_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from tuner_component.cli import look
from tuner_component.executor import Executor
from tuner_component.pipeline import user_module
from tuner_component.report.loading import load_study

_SPLITS = ("train", "eval")
_COMPLETE = "complete"


def search(args: argparse.Namespace, out: str, properties: dict[str, Any]) -> None:
    """Runs a search on files.

    Args:
        args: Of the command `tune`.
        out: Directory for everything that it writes.
        properties: The executor's properties.

    Raises:
        SearchError: If the search fails or is interrupted.
        ValueError: If there is a mistake in the data or in the module.
    """
    logging.set_verbosity(logging.INFO)
    inputs = _inputs(args, os.path.join(out, "data"))
    outputs = {
        "best_hyperparameters": [standard_artifacts.HyperParameters()],
        "tuner_results": [standard_artifacts.TunerResults()],
    }
    outputs["best_hyperparameters"][0].uri = os.path.join(out, "best_hyperparameters")
    outputs["tuner_results"][0].uri = os.path.join(out, "results")
    context = Executor.Context(tmp_dir=os.path.join(out, "tmp"), unique_id="tune")
    # So that Python finds the user's module in the working directory.
    sys.path.insert(0, os.getcwd())
    try:
        Executor(context).Do(inputs, outputs, properties)
    except user_module.UserModuleError as error:
        raise ValueError(str(error)) from error
    results = outputs["tuner_results"][0].uri
    print("\n".join(look.summary(load_study(results))))
    print(f"Report: {os.path.join(results, 'report.html')}")


def _inputs(args: argparse.Namespace, directory: str) -> dict[str, list[Any]]:
    """The executor's inputs; what has to be converted is kept in the directory."""
    is_csv = args.train[0].endswith(".csv")
    splits = {"train": args.train, "eval": args.eval}
    home = os.path.join(directory, _digest(splits))
    examples = _examples(splits, is_csv, home)
    inputs = {"examples": [examples]}
    if args.schema:
        inputs["schema"] = [_schema(args.schema, os.path.join(home, "given_schema"))]
    elif is_csv:
        inputs["schema"] = [_artifact("Schema", os.path.join(home, "schema"))]
    if args.transform_graph:
        inputs["transform_graph"] = [_artifact("TransformGraph", args.transform_graph)]
    if args.base_model:
        inputs["base_model"] = [_artifact("Model", args.base_model)]
    return inputs


def _examples(splits: Mapping[str, Sequence[str]], is_csv: bool, home: str) -> Any:
    """The examples artifact. CSV files are converted first, and their schema inferred."""
    examples = standard_artifacts.Examples()
    examples.uri = os.path.join(home, "examples")
    examples.split_names = artifact_utils.encode_split_names(list(_SPLITS))
    # What was converted before is used again: Beam would write the rows in another
    # order, and a search that goes on should train on the same data.
    if not os.path.exists(os.path.join(home, _COMPLETE)):
        shutil.rmtree(home, ignore_errors=True)
        os.makedirs(home)
        if is_csv:
            _convert(splits, examples, home)
            _infer_schema(examples.uri, os.path.join(home, "schema"))
        else:
            _link(splits, examples.uri)
        with open(os.path.join(home, _COMPLETE), "w"):
            pass
    return examples


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
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    shutil.copy(path, os.path.join(directory, "schema.pbtxt"))
    return _artifact("Schema", directory)


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
