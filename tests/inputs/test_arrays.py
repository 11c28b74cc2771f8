"""Arrays and tables as examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
import tensorflow as tf

from tuner_component import data
from tuner_component.inputs import arrays, parquet
from tuner_component.pipeline import fn_args as fn_args_lib
from tuner_component.proto import tuner_pb2

IMAGES = np.arange(24, dtype=np.uint8).reshape(6, 2, 2)


def converted(directory: Path, **given: Any) -> dict[str, Any]:
    """What a module reads of each split."""
    np.savez(directory / "a.npz", **given)
    out = directory / "out"
    splits = {"train": [str(directory / "a.npz")], "eval": []}
    arrays.convert(splits, str(out / "examples"), str(out / "schema"))
    message = tuner_pb2.TunerFnArgs(
        train_files=[str(out / "examples" / "Split-train" / "*")],
        eval_files=[str(out / "examples" / "Split-eval" / "*")],
        schema_path=str(out / "schema" / "schema.pbtxt"),
    )
    given_to = fn_args_lib.to_fn_args(message)
    return {
        split: next(data.dataset(given_to, split).as_numpy_iterator())
        for split in ("train", "eval")
    }


def test_arrays_keep_their_shapes(tmp_path: Path) -> None:
    """A module would get images as rows of numbers, or none for test."""
    found = converted(
        tmp_path,
        x_train=IMAGES,
        y_train=np.arange(6) % 2 == 0,
        x_test=IMAGES[:2],
        y_test=np.array([True, False]),
    )
    np.testing.assert_array_equal(found["train"]["x"], IMAGES)
    assert found["train"]["y"].tolist() == [1, 0, 1, 0, 1, 0]
    np.testing.assert_array_equal(found["eval"]["x"], IMAGES[:2])


def test_arrays_without_a_split_are_divided(tmp_path: Path) -> None:
    """Rows would be in both splits, or x and y no longer belong together."""
    numbers = np.arange(6)
    found = converted(tmp_path, x=numbers * 0.5, y=numbers, name=numbers.astype(str))
    assert found["eval"]["y"].tolist() == [0, 3]
    assert found["train"]["y"].tolist() == [1, 2, 4, 5]
    assert found["train"]["x"].tolist() == [0.5, 1, 2, 2.5]
    assert found["train"]["name"].tolist() == [b"1", b"2", b"4", b"5"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": np.arange(3), "y": np.arange(4)}, "same length.*'x': 3, 'y': 4"),
        ({"x": np.arange(3), "n": np.array(4)}, "same length"),
        ({"x": np.array([{}])}, "numpy.savez wrote"),
        ({"x": np.array([1j])}, "of numbers or of text"),
        ({"x": np.array([0, 2**63], np.uint64)}, "array x of .* 9223372036854775808"),
        ({"x": np.zeros(0)}, "Expected rows to train on"),
        ({"x": np.zeros(1)}, "all of them were set apart"),
        ({"x_train": np.zeros(3), "x_test": np.arange(3)}, "FLOAT .* INT of shape"),
        (
            {"x_train": np.zeros((3, 1)), "x_test": np.zeros((3, 2))},
            "rows of one shape",
        ),
    ],
)
def test_other_arrays_are_refused(
    given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """Labels would go with the wrong rows, numbers change; or pickled code would run."""
    with pytest.raises(ValueError, match=said):
        converted(tmp_path, **given)


def test_arrays_for_validation_come_before_those_for_test(tmp_path: Path) -> None:
    """Data of one would go with labels of the other, and test data not stay unseen."""
    found = converted(
        tmp_path,
        x_train=np.zeros(2),
        y_train=np.zeros(2),
        y_test=np.array([3.0, 3.0]),
        x_val=np.array([1.0, 1.0]),
        x_test=np.array([3.0, 3.0]),
        y_val=np.array([1.0, 1.0]),
    )
    assert found["eval"]["x"].tolist() == [1, 1]
    assert found["eval"]["y"].tolist() == [1, 1]


def test_single_array_is_no_archive(tmp_path: Path) -> None:
    """It would end in a traceback: AttributeError: __enter__."""
    path = tmp_path / "a.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match="a.npz .* one array, as numpy.save writes it"):
        arrays.convert({"train": [str(path)]}, str(tmp_path), str(tmp_path))


def test_file_that_is_no_archive_is_said(tmp_path: Path) -> None:
    """It would end in a traceback of zipfile's."""
    path = tmp_path / "a.npz"
    path.write_text("x")
    with pytest.raises(ValueError, match="a.npz to be a file that numpy.savez wrote"):
        arrays.convert({"train": [str(path)]}, str(tmp_path), str(tmp_path))


def rows_of(directory: Path, split: str) -> list[Any]:
    path = str(directory / f"Split-{split}" / "00000.tfrecord.gz")
    return [
        tf.train.Example.FromString(record.numpy()).features.feature
        for record in tf.data.TFRecordDataset(path, "GZIP")
    ]


def test_zero_in_a_table_is_no_missing_value(tmp_path: Path) -> None:
    """TFX's own executor drops each 0, False and empty text."""
    table = {
        "n": [0, 1, 2],
        "f": [0.0, None, 2.5],
        "b": [False, True, False],
        "s": ["", "x", None],
        "l": [[1, 2], [], [0]],
    }
    pd.DataFrame(table).to_parquet(tmp_path / "a.parquet")
    splits = {"train": [str(tmp_path / "a.parquet")], "eval": []}
    parquet.convert(splits, str(tmp_path))
    (zero,), (one, two) = rows_of(tmp_path, "eval"), rows_of(tmp_path, "train")
    assert zero["n"].int64_list.value == [0]
    assert zero["b"].int64_list.value == [0]
    assert zero["s"].bytes_list.value == [b""]
    assert zero["f"].float_list.value == [0.0]
    assert (zero["l"].int64_list.value, two["l"].int64_list.value) == ([1, 2], [0])
    assert "f" not in one and "l" not in one
    assert two["f"].float_list.value == [2.5]
    assert "s" not in two


def test_column_of_another_type_is_named(tmp_path: Path) -> None:
    """It would end in a traceback of protobuf's, or drop the column."""
    dates = pd.DataFrame({"when": pd.to_datetime(["2026-01-01"])})
    dates.to_parquet(tmp_path / "a.parquet")
    splits = {"train": [str(tmp_path / "a.parquet")], "eval": []}
    with pytest.raises(
        ValueError, match="in the column when. Received: (datetime|Timestamp)"
    ):
        parquet.convert(splits, str(tmp_path))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"x": pyarrow.array([2**63], "uint64")}, "column x. Received: 92233720368547"),
        (
            {"x": pyarrow.array([-(2**62)], pyarrow.timestamp("us"))},
            "dates and times in .*a.parquet",
        ),
    ],
)
def test_value_that_no_example_holds_is_said(
    columns: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """People would read "Value out of range", and not where."""
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    splits = {"train": [str(tmp_path / "a.parquet")], "eval": []}
    with pytest.raises(ValueError, match=said):
        parquet.convert(splits, str(tmp_path))


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """One of them would be lost without a word."""
    column = pyarrow.array([1, 2])
    table = pyarrow.Table.from_arrays([column, column], names=["x", "x"])
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    splits = {"train": [str(tmp_path / "a.parquet")], "eval": []}
    with pytest.raises(ValueError, match="Received: x more than once"):
        parquet.convert(splits, str(tmp_path))


def test_file_that_is_no_parquet_is_said(tmp_path: Path) -> None:
    """It would end in a traceback of Arrow's."""
    (tmp_path / "a.parquet").write_text("x")
    splits = {"train": [str(tmp_path / "a.parquet")], "eval": []}
    with pytest.raises(ValueError, match="a.parquet to be a Parquet file"):
        parquet.convert(splits, str(tmp_path))
