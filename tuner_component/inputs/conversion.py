"""Files as tf.Examples in splits, and their schema: by TFX's own means."""

import contextlib
import glob
import importlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.proto import example_gen_pb2
from tfx.utils import proto_utils

from tuner_component.inputs import inputs, tables

# Where TFX's ExampleGens are that read files of a kind, and how their names end.
_EXAMPLE_GENS = {
    inputs.CSV: ("csv_example_gen.executor", ".csv"),
    inputs.TFRECORD: ("import_example_gen.executor", ""),
}

# Files in one message.
_NAMED = 5
# How Beam begins to say at which of its steps there was an error.
_OF_BEAM = " [while running"

_log = logging.getLogger("tuner_component")


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

    Raises:
        ValueError: If it cannot read them.
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
            if kind == inputs.CSV:
                tables.place(path, link)
            else:
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
    with _explained(kind, splits):
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


@contextlib.contextmanager
def _explained(kind: str, splits: Mapping[str, Sequence[str]]) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # A full disk, say.
        paths = [path for of in splits.values() for path in of]
        named = f"{', '.join(paths[:_NAMED])}{', ...' * (len(paths) > _NAMED)}"
        reason = str(error).partition(_OF_BEAM)[0]
        raise ValueError(
            f"Expected {kind} files that TFX can read. Received: {named} ({reason}). "
            "Correct the data, or save them in another form that the search takes."
        ) from error


def infer_schema(examples_uri: str, directory: str) -> None:
    """Has TensorFlow Data Validation look at the splits.

    The schema is that of the split `train`.

    Raises:
        ValueError: If there is nothing in it, or a column has values of several types.
    """
    import tensorflow_data_validation as tfdv

    statistics = _statistics(examples_uri, "train")
    inputs.require_rows(_rows(statistics))
    os.makedirs(directory)
    schema = tfdv.infer_schema(statistics)
    tfdv.write_schema_text(schema, os.path.join(directory, "schema.pbtxt"))
    other = _statistics(examples_uri, "eval")
    if _rows(other):
        _warn_of_types(_types(schema), _types(tfdv.infer_schema(other)))


def _statistics(examples_uri: str, split: str) -> Any:
    import tensorflow_data_validation as tfdv

    files = os.path.join(examples_uri, f"Split-{split}", "*")
    if not glob.glob(files):
        return None
    try:
        return tfdv.generate_statistics_from_tfrecord(files)
    except RuntimeError as error:
        if "incompatible type" not in str(error):
            raise
        raise ValueError(
            f"Expected each column to have one type in all files of --{split}. Received: "
            f"{str(error).partition(_OF_BEAM)[0]}. Convert the columns of the files to "
            "the same types."
        ) from error


def _rows(statistics: Any) -> int:
    return sum(of.num_examples for of in statistics.datasets) if statistics else 0


def _types(schema: Any) -> dict[str, str]:
    kinds = schema_pb2.FeatureType
    return {feature.name: kinds.Name(feature.type) for feature in schema.feature}


def _warn_of_types(train: Mapping[str, str], evaluation: Mapping[str, str]) -> None:
    for name, kind in train.items():
        if (other := evaluation.get(name, kind)) != kind:
            _log.warning(
                "Expected the column %r to have one type in --train and --eval. Received: "
                "%s and %s. A module that reads it in both fails. Write its values in one "
                "form, such as 1.0 beside 1.5.",
                *(name, kind, other),
            )
