"""Transform inside a search: once for each value of its hyperparameters."""

from __future__ import annotations

import dataclasses
import random
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.trainer.fn_args_utils import DataAccessor, FnArgs

from tuner_component.pipeline.tuned_transform import Transformed, TunedTransform

_SCHEMA = """
feature { name: "x" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
"""
# How often Transform asked for the function in this process.
CALLS: list[dict[str, Any]] = []


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> Any:
    CALLS.append(custom_config)
    return {"bucket": tft.bucketize(inputs["x"], custom_config["buckets"])}


def without_config(inputs: dict[str, Any]) -> Any:
    return inputs


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> FnArgs:
    """What `tuner_fn` gets after ExampleGen and SchemaGen: 40 rows, 10 to evaluate on."""
    directory = tmp_path_factory.mktemp("raw")
    for split, values in {"train": range(40), "eval": range(1000, 1010)}.items():
        place = directory / "examples" / f"Split-{split}"
        place.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(place / "data.gz"), "GZIP") as writer:
            for value in values:
                example = tf.train.Example()
                example.features.feature["x"].float_list.value.append(value)
                writer.write(example.SerializeToString())
    schema = directory / "schema" / "schema.pbtxt"
    schema.parent.mkdir()
    message = text_format.Parse(_SCHEMA, schema_pb2.Schema())
    schema.write_text(text_format.MessageToString(message))
    pattern = f"{directory}/examples/Split-%s/*"
    return FnArgs(
        working_dir=None,
        train_files=[pattern % "train"],
        eval_files=[pattern % "eval"],
        train_steps=None,
        eval_steps=None,
        schema_path=str(schema),
        schema_file=str(schema),
        transform_graph_path=None,
        transform_output=None,
        data_accessor=DataAccessor(None, None, None),
        serving_model_dir=None,
        eval_model_dir=None,
        model_run_dir=None,
        base_model=None,
        hyperparameters=None,
        custom_config=None,
    )


def buckets(made: Any, split: str) -> list[int]:
    spec = tft.TFTransformOutput(made.graph).transformed_feature_spec()
    (pattern,) = made.files(split)
    dataset = tf.data.TFRecordDataset(tf.io.gfile.glob(pattern), "GZIP")
    return sorted(
        int(tf.io.parse_single_example(row, spec)["bucket"][0]) for row in dataset
    )


@dataclasses.dataclass(frozen=True)
class First:
    """What the first trial made, and the random numbers that it would go on with."""

    directory: str
    made: Transformed
    calls: int
    numbers: tuple[float, ...]


def transform_seeded(given: FnArgs, directory: str) -> tuple[Transformed, Any]:
    random.seed(1)
    np.random.seed(1)
    tf.random.set_seed(1)
    made = TunedTransform(given, preprocessing_fn, directory)({"buckets": 4})
    return made, (random.random(), np.random.rand(), float(tf.random.uniform([])))


@pytest.fixture(scope="module")
def first(given: FnArgs, tmp_path_factory: pytest.TempPathFactory) -> First:
    directory = str(tmp_path_factory.mktemp("study"))
    CALLS.clear()
    made, numbers = transform_seeded(given, directory)
    return First(directory, made, len(CALLS), numbers)


def test_examples_are_transformed_with_the_hyperparameters(first: First) -> None:
    """Every trial would train on the same features, whatever its hyperparameters."""
    assert {"buckets": 4} in CALLS
    found = buckets(first.made, "train")
    assert [found.count(bucket) for bucket in range(4)] == pytest.approx(
        [10] * 4, abs=1
    )
    # The quantiles are those of the training data, and all others lie behind them.
    assert buckets(first.made, "eval") == [3] * 10


def test_each_graph_is_made_once(given: FnArgs, first: First) -> None:
    """A search of a hundred trials would run Transform a hundred times."""
    assert transform_seeded(given, first.directory)[0] == first.made
    assert len(CALLS) == first.calls


def test_random_numbers_go_on_as_without(given: FnArgs, first: First) -> None:
    """The same trial would train otherwise where another one has made its graph."""
    assert transform_seeded(given, first.directory)[1] == first.numbers


def test_trials_wait_for_the_one_that_makes_it(given: FnArgs, tmp_path: Path) -> None:
    """All workers would run the same Transform at the beginning of a search."""
    CALLS.clear()
    found: list[Transformed] = []

    def ask() -> None:
        found.append(
            TunedTransform(given, preprocessing_fn, str(tmp_path))({"buckets": 2})
        )

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(list(Path(found[0].graph).parent.parent.glob("*/graph"))) == 1


def test_what_a_killed_trial_left_is_not_used(given: FnArgs, first: First) -> None:
    """A trial would train on half of its examples."""
    place = Path(first.made.graph).parent.parent
    made = place / "made"
    kept = made.read_bytes()
    made.unlink()  # As if the process had been killed just before.
    try:
        again, _ = transform_seeded(given, first.directory)
        assert again.graph != first.made.graph
        assert buckets(again, "train") == buckets(first.made, "train")
    finally:
        made.write_bytes(kept)


def test_function_without_hyperparameters_is_refused(given: FnArgs) -> None:
    """The search would tune what has no effect."""
    with pytest.raises(TypeError, match="preprocessing_fn to take custom_config"):
        TunedTransform(given, without_config)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("schema_path", None, "Expected a schema"),
        ("eval_files", [], "examples to train and to evaluate on"),
        ("train_files", ["/data/train-*"], "in directories Split-NAME"),
    ],
)
def test_inputs_that_do_not_do_are_named(
    given: FnArgs, monkeypatch: pytest.MonkeyPatch, field: str, value: Any, message: str
) -> None:
    """Beam would fail deep below, in the middle of the first trial."""
    monkeypatch.setattr(given, field, value)
    with pytest.raises(ValueError, match=message):
        TunedTransform(given, preprocessing_fn)


def test_values_that_are_no_json_are_refused(given: FnArgs, tmp_path: Path) -> None:
    """Two graphs could not be told apart."""
    transform = TunedTransform(given, preprocessing_fn, str(tmp_path))
    with pytest.raises(TypeError, match="custom_config to have plain values"):
        transform({"buckets": object()})
