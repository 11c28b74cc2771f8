"""What the user's tuner_fn gets is what TFX would have passed."""

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import tfx.components
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.components.trainer import fn_args_utils
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils
from tfx_bsl.tfxio import dataset_options

from tests.conftest import Run
from tuner_component import TunerFnArgs
from tuner_component.pipeline import fn_args

TESTDATA = Path(tfx.components.__file__).parent / "testdata"


def resolved(run: Run) -> TunerFnArgs:
    return fn_args.from_artifacts(run.input_dict, run.exec_properties, "/working")


def through_the_wire(message: TunerFnArgs) -> Any:
    return fn_args.to_fn_args(TunerFnArgs.FromString(message.SerializeToString()))


def add_every_input(run: Run) -> None:
    model = standard_artifacts.Model()
    model.uri = str(TESTDATA / "trainer" / "previous")
    graph = standard_artifacts.TransformGraph()
    graph.uri = str(TESTDATA / "transform" / "transform_graph")
    run.input_dict.update(base_model=[model], transform_graph=[graph])
    run.exec_properties.update(
        train_args='{"num_steps": 100}',
        eval_args='{"num_steps": 50, "splits": ["train", "eval"]}',
        custom_config='{"a": [1, 2.5, null, "x"]}',
    )


@pytest.mark.parametrize("inputs", ["few", "all", "several examples"])
def test_equals_the_fn_args_of_stock(run: Run, inputs: str) -> None:
    """A module written for stock would see something else."""
    if inputs == "all":
        add_every_input(run)
    if inputs == "several examples":
        run.input_dict["examples"] *= 2
    stock = fn_args_utils.get_common_fn_args(
        run.input_dict, run.exec_properties, "/working"
    )
    ours = through_the_wire(resolved(run))
    for name in (attribute.name for attribute in fn_args_utils.FnArgs.__attrs_attrs__):
        if name != "data_accessor":
            assert getattr(ours, name) == getattr(stock, name), name


def rows(run: Run, accessor: Any, pattern: list[str]) -> list[list[float]]:
    schema = schema_pb2.Schema()
    path = io_utils.get_only_uri_in_dir(run.input_dict["schema"][0].uri)
    io_utils.parse_pbtxt_file(path, schema)
    options = dataset_options.TensorFlowDatasetOptions(
        batch_size=5, label_key="species", shuffle=False, num_epochs=1
    )
    features, label = next(
        iter(accessor.tf_dataset_factory(pattern, options, schema).take(1))
    )
    return [*(features[name].numpy().tolist() for name in sorted(features)), label]


def test_data_accessor_reads_what_stocks_reads(run: Run) -> None:
    """tuner_fn could not read its data, or would read it otherwise."""
    stock = fn_args_utils.get_common_fn_args(run.input_dict, run.exec_properties)
    ours = through_the_wire(resolved(run))
    expected = rows(run, stock.data_accessor, stock.train_files)
    received = rows(run, ours.data_accessor, ours.train_files)
    assert received[:-1] == expected[:-1]
    tf.debugging.assert_equal(received[-1], expected[-1])


def test_record_batches_can_be_read(run: Run) -> None:
    """Tuners of models outside TensorFlow read Arrow batches."""
    ours = through_the_wire(resolved(run))
    options = dataset_options.RecordBatchesOptions(batch_size=5, num_epochs=1)
    batch = next(
        ours.data_accessor.record_batch_factory(ours.eval_files, options, None)
    )
    assert batch.num_rows == 5


def test_payload_format_and_data_view_survive(run: Run) -> None:
    """Proto payloads would be decoded as tf.Examples in a worker."""
    (examples,) = run.input_dict["examples"]
    examples_utils.set_payload_format(
        examples, example_gen_pb2.PayloadFormat.FORMAT_PROTO
    )
    message = resolved(run)
    assert message.payload_format == "FORMAT_PROTO"
    accessor = fn_args.to_fn_args(message).data_accessor
    assert accessor.data_view_decode_fn is None  # No DataView is attached.


def write_statistics(root: Path, **num_examples: int) -> Any:
    artifact = standard_artifacts.ExampleStatistics()
    artifact.uri = str(root)
    artifact.split_names = artifact_utils.encode_split_names(list(num_examples))
    for split, count in num_examples.items():
        stats = statistics_pb2.DatasetFeatureStatisticsList()
        stats.datasets.add(num_examples=count)
        path = root / f"Split-{split}" / "FeatureStats.pb"
        path.parent.mkdir(parents=True)
        path.write_bytes(stats.SerializeToString())
    artifact_utils_version = artifact.mlmd_artifact.custom_properties["tfx_version"]
    artifact_utils_version.string_value = "1.16.0"
    return artifact


def test_num_examples_come_from_statistics(run: Run, tmp_path: Path) -> None:
    """Steps per epoch would have to be guessed by the module."""
    artifact = write_statistics(tmp_path / "stats", train=120, eval=60, test=20)
    run.input_dict["statistics"] = [artifact]
    assert through_the_wire(resolved(run)).num_examples == {"train": 120, "eval": 60}


def test_no_statistics_no_num_examples(run: Run) -> None:
    """Stock does not set it either: hasattr tells the module."""
    assert not hasattr(through_the_wire(resolved(run)), "num_examples")


def test_unknown_split_is_named(run: Run) -> None:
    """TFX would say only that a split does not exist over all artifacts."""
    run.exec_properties["train_args"] = '{"splits": ["training"]}'
    with pytest.raises(
        ValueError, match=r"Expected train_args.splits.*'eval'.*Received: 'training'"
    ):
        resolved(run)


def test_custom_config_that_is_not_json_is_refused(run: Run) -> None:
    """A bare JSONDecodeError from deep below would not name custom_config."""
    run.exec_properties["custom_config"] = "{a: 1}"
    with pytest.raises(ValueError, match=r"Expected custom_config.*Received: '\{a: 1"):
        resolved(run)


def test_custom_config_is_whatever_stock_would_pass(run: Run) -> None:
    """A module that takes a list would run with the stock Tuner, and not with this."""
    run.exec_properties["custom_config"] = json.dumps([1])
    assert through_the_wire(resolved(run)).custom_config == [1]
