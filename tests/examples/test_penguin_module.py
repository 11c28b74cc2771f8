"""The user module of the penguin example, without a pipeline around it."""

from __future__ import annotations

import csv
import itertools
import types
from collections.abc import Mapping
from pathlib import Path

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import (
    dataset_metadata,
    metadata_io,
    schema_utils,
)

from examples.penguin import penguin_module
from examples.penguin.penguin_module import CATEGORICAL_FEATURES, FEATURES, LABEL

CSV_FILE = Path(penguin_module.__file__).parent / "data" / "penguins.csv"

COMPLETE = {
    "bill_length_mm": "50",
    "bill_depth_mm": "19.5",
    "flipper_length_mm": "196",
    "body_mass_g": "3900",
    "island": "Dream",
    "sex": "male",
}


@pytest.fixture(scope="module")
def transform_output(tmp_path_factory: pytest.TempPathFactory) -> tft.TFTransformOutput:
    """The transform graph that `preprocessing_fn` makes of the whole CSV."""
    with open(CSV_FILE, newline="") as file:
        rows = [
            {name: [row[name].encode()] for name in (*FEATURES, LABEL)}
            for row in csv.DictReader(file)
        ]
    root = tmp_path_factory.mktemp("transform")
    spec = {name: tf.io.VarLenFeature(tf.string) for name in rows[0]}
    metadata = dataset_metadata.DatasetMetadata(
        schema_utils.schema_from_feature_spec(spec)
    )
    with tft_beam.Context(temp_dir=str(root / "tmp")):
        transform_fn = (rows, metadata) | tft_beam.AnalyzeDataset(
            penguin_module.preprocessing_fn
        )
        transform_fn | tft_beam.WriteTransformFn(str(root / "output"))
    metadata_io.write_metadata(metadata, str(root / "output" / "metadata"))
    return tft.TFTransformOutput(str(root / "output"))


def _transformed(
    transform_output: tft.TFTransformOutput, row: Mapping[str, str]
) -> dict[str, float]:
    """Transforms one row; columns that it lacks are absent from the example."""
    names = (*FEATURES, LABEL)
    example = {
        name: tf.sparse.from_dense([[row[name]]])
        if name in row
        else tf.SparseTensor(
            tf.zeros([0, 2], tf.int64), tf.zeros([0], tf.string), [1, 0]
        )
        for name in names
    }
    outputs = transform_output.transform_features_layer()(example)
    return {
        name: outputs[penguin_module.transformed_name(name)].numpy().item()
        for name in names
    }


def test_measurements_are_scaled_as_if_missing_ones_did_not_exist(
    transform_output: tft.TFTransformOutput,
) -> None:
    """Else NAs would shift the scale, or turn all z-scores into NaN."""
    with open(CSV_FILE, newline="") as file:
        lengths = [row["bill_length_mm"] for row in csv.DictReader(file)]
    measured = np.array([float(length) for length in lengths if length != "NA"])
    score = (50 - measured.mean()) / measured.std()

    assert _transformed(transform_output, COMPLETE)["bill_length_mm"] == pytest.approx(
        score, rel=1e-4
    )


@pytest.mark.parametrize("missing", [{"body_mass_g": "NA"}, {}], ids=["NA", "absent"])
def test_a_missing_measurement_becomes_the_mean(
    transform_output: tft.TFTransformOutput, missing: dict[str, str]
) -> None:
    """Else the model would see NaN, or a row without the column would not parse."""
    row = {name: value for name, value in COMPLETE.items() if name != "body_mass_g"}
    assert _transformed(transform_output, row | missing)["body_mass_g"] == 0.0


def test_numbers_are_read_from_numeric_columns_too() -> None:
    """Else the module would not work on a CSV that leaves missing cells empty."""
    column = tf.SparseTensor([[0, 0], [2, 0]], tf.constant([7, 9], tf.int64), [3, 1])
    numbers = penguin_module._numbers(column)
    np.testing.assert_array_equal(numbers, [[7.0], [np.nan], [9.0]])


def test_categories_get_an_index_each_and_unseen_ones_share_one(
    transform_output: tft.TFTransformOutput,
) -> None:
    """Else an unseen category would count as a known one, or break the one-hot."""
    indices = [
        _transformed(transform_output, COMPLETE | {"sex": sex})["sex"]
        for sex in ("male", "female", "NA", "unheard of", "?")
    ]
    size = transform_output.vocabulary_size_by_name("sex")
    assert sorted(indices[:3]) == [0, 1, 2] == list(range(size))
    assert indices[3:] == [size, size]


def test_an_absent_category_counts_as_not_available(
    transform_output: tft.TFTransformOutput,
) -> None:
    """Else a client had to know how the CSV writes what is missing."""
    row = {name: value for name, value in COMPLETE.items() if name != "sex"}
    absent = _transformed(transform_output, row)["sex"]
    assert absent == _transformed(transform_output, row | {"sex": "NA"})["sex"]


def test_species_are_numbered_by_frequency(
    transform_output: tft.TFTransformOutput,
) -> None:
    """Else labels and the names that the served model returns would not fit."""
    names = [name.decode() for name in transform_output.vocabulary_by_name(LABEL)]
    assert names == ["Adelie", "Gentoo", "Chinstrap"]
    for index, name in enumerate(names):
        row = COMPLETE | {LABEL: name}
        assert _transformed(transform_output, row)[LABEL] == index


def _hyperparameters(**values: float) -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.values = {"layers": 2, "units": 24, "dropout": 0.1, "learning_rate": 0.01}
    hp.values |= values
    return hp


def test_the_model_is_built_as_the_hyperparameters_say(
    transform_output: tft.TFTransformOutput,
) -> None:
    """Else the search would compare models that do not differ."""
    model = penguin_module.build_model(_hyperparameters(), transform_output)

    dense = [x for x in model.layers if isinstance(x, keras.layers.Dense)]
    dropout = [x for x in model.layers if isinstance(x, keras.layers.Dropout)]
    assert [layer.units for layer in dense] == [24, 24, 3]
    assert [layer.rate for layer in dropout] == [0.1, 0.1]
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)


def test_equal_hyperparameters_give_equal_models(
    transform_output: tft.TFTransformOutput,
) -> None:
    """Else the demonstration would find something else each time."""
    models = [
        penguin_module.build_model(_hyperparameters(), transform_output)
        for _ in range(2)
    ]
    for first, second in zip(*(model.get_weights() for model in models)):
        np.testing.assert_array_equal(first, second)


def test_the_search_space_is_complete_when_the_model_is_built(
    transform_output: tft.TFTransformOutput,
) -> None:
    """Else the tuner would find hyperparameters only in the middle of the search."""
    hp = keras_tuner.HyperParameters()
    penguin_module.build_model(hp, transform_output)
    assert {x.name for x in hp.space} == {"layers", "units", "dropout", "learning_rate"}


@pytest.mark.slow
def test_the_served_model_answers_raw_examples_even_empty_ones(
    transform_output: tft.TFTransformOutput,
) -> None:
    """Else a client could not leave out what it does not know."""
    model = penguin_module.build_model(_hyperparameters(), transform_output)
    serving = penguin_module.ServingModel(model, transform_output)
    known = tf.train.Example()
    known.features.feature["island"].bytes_list.value.append(b"Dream")
    known.features.feature["year"].int64_list.value.append(2007)

    answers = serving.predict(
        tf.constant([known.SerializeToString(), tf.train.Example().SerializeToString()])
    )

    assert answers["probabilities"].shape == (2, 3)
    np.testing.assert_allclose(np.sum(answers["probabilities"], axis=1), 1, rtol=1e-5)
    for row in range(2):
        best = np.argmax(answers["probabilities"][row])
        assert answers["species"][row] == answers["classes"][row][best]


@pytest.mark.parametrize("steps", [None, 3])
def test_every_pass_over_a_dataset_is_the_same(
    transform_output: tft.TFTransformOutput, steps: int | None
) -> None:
    """Else a trial's score would depend on the trials before it in its process."""

    def factory(
        files: list[str], options: types.SimpleNamespace, schema: schema_pb2.Schema
    ) -> tf.data.Dataset:
        numbers = tf.data.Dataset.range(10).shuffle(10, seed=options.shuffle_seed)
        return numbers.batch(4).repeat(options.num_epochs)

    accessor = types.SimpleNamespace(tf_dataset_factory=factory)
    dataset = penguin_module._dataset([], steps, accessor, transform_output)

    passes = [
        [batch.numpy().tolist() for batch in dataset.take(steps or -1)]
        for _ in range(2)
    ]
    assert passes[0] == passes[1]
    assert sorted(itertools.chain(*passes[0])) == list(range(10))


def test_categories_are_one_hot(transform_output: tft.TFTransformOutput) -> None:
    """Else the model would take the order of a vocabulary for a quantity."""
    inputs, encoded = penguin_module._model_inputs(transform_output)
    assert {name: x.dtype for name, x in inputs.items()} == {
        penguin_module.transformed_name(name): (
            "int64" if name in CATEGORICAL_FEATURES else "float32"
        )
        for name in FEATURES
    }
    assert [x.shape[1] for x in encoded] == [1, 1, 1, 1, 4, 4]
