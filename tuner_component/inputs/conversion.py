"""Files as tf.Examples in splits, and their schema: by TFX's own means."""

import glob
import importlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.proto import example_gen_pb2
from tfx.utils import proto_utils

from tuner_component.inputs import inputs

# Where TFX's ExampleGens are that read files of a kind, and how their names end.
_EXAMPLE_GENS = {
    inputs.CSV: ("csv_example_gen.executor", ".csv"),
    inputs.TFRECORD: ("import_example_gen.executor", ""),
}


def convert(
    kind: str, splits: Mapping[str, Sequence[str]], examples: Any, home: str
) -> None:
    """Has the ExampleGen of a kind of files convert them, as it would in a pipeline.

    Without files for it, a third of the training data becomes the split `eval`.

    Args:
        kind: One of `inputs`.
        splits: The files of each split.
        examples: The artifact that it fills.
        home: Directory for what it needs meanwhile.
    """
    module, suffix = _EXAMPLE_GENS[kind]
    executor = importlib.import_module(f"tfx.components.example_gen.{module}")
    source = os.path.join(home, "source")
    named = {split: paths for split, paths in splits.items() if paths}
    for split, paths in named.items():
        os.makedirs(os.path.join(source, split))
        for number, path in enumerate(paths):
            # Beam finds out by its suffix whether a file is compressed.
            end = suffix or (".gz" if inputs.is_gzip(path) else "")
            link = os.path.join(source, split, f"{number:05}{end}")
            os.symlink(os.path.abspath(path), link)
    split = example_gen_pb2.Input.Split
    given = example_gen_pb2.Input(
        splits=[split(name=name, pattern=f"{name}/*{suffix}") for name in named]
    )
    output = example_gen_pb2.Output()
    if "eval" not in named:
        for name, buckets in (("train", 2), ("eval", 1)):
            output.split_config.splits.add(name=name, hash_buckets=buckets)
    context = executor.Executor.Context(
        beam_pipeline_args=["--runner=DirectRunner"],
        tmp_dir=os.path.join(home, "tmp"),
        unique_id="convert",
    )
    executor.Executor(context).Do(
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


def infer_schema(examples_uri: str, directory: str) -> None:
    """Has TensorFlow Data Validation look at the train split.

    Raises:
        ValueError: If there is nothing in it.
    """
    import tensorflow_data_validation as tfdv

    files = os.path.join(examples_uri, "Split-train", "*")
    if not glob.glob(files):
        raise ValueError("Expected rows in the files of --train. Received: none.")
    statistics = tfdv.generate_statistics_from_tfrecord(files)
    os.makedirs(directory)
    schema = tfdv.infer_schema(statistics)
    tfdv.write_schema_text(schema, os.path.join(directory, "schema.pbtxt"))
