"""Columns of examples, with and without a schema, whole and with gaps."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.data.conftest import MakeFnArgs
from tuner_component import data
from tuner_component.data import reading

ROWS = [
    {"length": 1.5, "count": 0, "pair": [1.0, 2.0], "text": "3.5", "kind": "b"},
    {"length": 2.5, "count": 7, "pair": [3.0, 4.0], "text": "NA", "kind": "a"},
    {"count": 9, "pair": [5.0, 6.0], "text": "4", "kind": "b"},
]
SCHEMA = """
    feature { name: "pair" type: FLOAT presence { min_fraction: 1 }
              shape { dim { size: 2 } dim { size: 1 } } }
    feature { name: "kind" type: BYTES presence { min_fraction: 1 }
              shape { dim { size: 1 } } }
"""


def test_batches_need_no_schema(fn_args: MakeFnArgs) -> None:
    """Each module would parse its examples in thirty lines of its own."""
    (batch,) = data.dataset(fn_args(ROWS), "train").as_numpy_iterator()
    assert batch.keys() == {"length", "count", "pair", "text", "kind"}
    np.testing.assert_array_equal(batch["length"], [[1.5], [2.5], [np.nan]])
    np.testing.assert_array_equal(batch["count"], [[0], [7], [9]])
    np.testing.assert_array_equal(batch["pair"], [[1, 2], [3, 4], [5, 6]])
    assert batch["text"].tolist() == [[b"3.5"], [b"NA"], [b"4"]]


def test_schema_says_what_there_is_and_its_shape(fn_args: MakeFnArgs) -> None:
    """An image would come as a row of numbers."""
    (batch,) = data.dataset(fn_args(ROWS, SCHEMA), "train").as_numpy_iterator()
    assert batch.keys() == {"pair", "kind"}
    assert batch["pair"].shape == (3, 2, 1)


def test_label_is_beside_the_columns(fn_args: MakeFnArgs) -> None:
    """A model would be trained with its label as a feature."""
    rows = data.dataset(
        fn_args(ROWS), "train", columns=["count"], label="kind", classes=["a", "b"]
    )
    ((columns, labels),) = rows.as_numpy_iterator()
    assert columns.keys() == {"count"}
    assert labels.tolist() == [1, 0, 1]


def test_single_examples_have_no_dimension_of_the_batch(fn_args: MakeFnArgs) -> None:
    """Images that are decoded one by one could not be."""
    rows = data.dataset(fn_args(ROWS), "train", label="count", batch_size=None)
    first, label = next(iter(rows))
    assert first["pair"].shape == (2,)
    assert label.numpy() == 0


def test_batch_without_any_value_has_the_column(fn_args: MakeFnArgs) -> None:
    """A model would be given no column for a batch with gaps only."""
    rows = data.dataset(fn_args(ROWS), "train", columns=["length"], batch_size=1)
    last = list(rows.as_numpy_iterator())[-1]
    np.testing.assert_array_equal(last["length"], [[np.nan]])


def test_shuffled_batches_come_in_another_order(fn_args: MakeFnArgs) -> None:
    """Rows that are sorted by class would be trained in that order."""
    given = fn_args([{"n": i} for i in range(50)])

    def order(**options: object) -> list[int]:
        rows = data.dataset(given, "train", batch_size=50, **options)  # type: ignore[arg-type]
        (batch,) = rows.as_numpy_iterator()
        return [int(n) for n in batch["n"].ravel()]

    assert order() == list(range(50))
    shuffled = order(shuffle=True, seed=1)
    assert shuffled != list(range(50))
    assert sorted(shuffled) == list(range(50))


def test_table_has_numbers_only(fn_args: MakeFnArgs) -> None:
    """Text with numbers, and gaps, would be a task for each module."""
    x, y = data.table(
        fn_args(ROWS), "train", ["text", "pair", "length"], label="kind", missing=-1
    )
    expected = [[3.5, 1, 2, 1.5], [-1, 3, 4, 2.5], [4, 5, 6, -1]]
    np.testing.assert_array_equal(x, expected)
    assert x.dtype == np.float32
    assert y.tolist() == ["b", "a", "b"]


def test_column_of_words_is_no_table(fn_args: MakeFnArgs) -> None:
    """A model would be trained on a column in which all values are missing."""
    with pytest.raises(ValueError, match="numbers in the column kind.*such as 'a'"):
        data.table(fn_args(ROWS), "train", ["count", "kind"], label="text", missing=0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "a (1 of 3), y (1 of 3)"),
        ({"missing": 0.0}, "y (1 of 3)"),
        ({"missing": math.nan}, "y (1 of 3)"),
    ],
)
def test_missing_numbers_are_said_unless_something_stands_for_them(
    fn_args: MakeFnArgs,
    caplog: pytest.LogCaptureFixture,
    given: dict[str, float],
    said: str,
) -> None:
    """All trials would have a loss of NaN, and nobody would know why."""
    rows = [{"a": [1.0], "y": [1.0]}, {"y": [2.0]}, {"a": [3.0]}]
    x, _ = data.table(fn_args(rows), "train", ["a"], label="y", **given)
    assert sorted(np.nan_to_num(x, nan=0.0).ravel()) == [0.0, 1.0, 3.0]
    assert [said in record.message for record in caplog.records] == [True]


def test_what_lacks_nothing_warns_of_nothing(
    fn_args: MakeFnArgs, caplog: pytest.LogCaptureFixture
) -> None:
    """Warnings would be read no more."""
    rows = [{"a": [1.0], "y": [1.0]}, {"a": [3.0], "y": [0.0]}]
    data.table(fn_args(rows), "train", ["a"], label="y")
    assert not caplog.records


def test_column_without_any_value_is_missing(fn_args: MakeFnArgs) -> None:
    """A small split in which nobody has filled a column would end the search."""
    rows = [{"text": "NA", "count": 1}, {"text": " ", "count": 2}, {"count": 3}]
    x, _ = data.table(fn_args(rows), "train", ["text"], label="count", missing=-1)
    assert x.ravel().tolist() == [-1, -1, -1]


def test_zero_is_no_missing_value(fn_args: MakeFnArgs) -> None:
    """A count of none would be unknown."""
    x, _ = data.table(fn_args(ROWS), "train", ["count"], label="kind")
    assert x.ravel().tolist() == [0, 7, 9]


def test_unknown_column_is_named(fn_args: MakeFnArgs) -> None:
    """A slip would end in a message of TensorFlow's about parsing."""
    given = fn_args(ROWS)
    with pytest.raises(ValueError, match="Expected columns.*Received: lenght"):
        data.dataset(given, "train", columns=["lenght"])
    with pytest.raises(ValueError, match="Received: species"):
        data.dataset(given, "train", label="species")


def test_other_separator_of_a_csv_file_is_named(fn_args: MakeFnArgs) -> None:
    """The names would be said to be unknown, although they are in the file."""
    given = fn_args([{"area;rooms": "1;2"}])
    with pytest.raises(ValueError, match="by commas, not by ';'"):
        data.dataset(given, "train", columns=["area"])


def test_label_of_no_class_is_refused(fn_args: MakeFnArgs) -> None:
    """It would be trained as class -1."""
    given = fn_args(ROWS)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected labels among"):
        data.table(given, "train", ["count"], label="kind", classes=["a"])


@pytest.mark.parametrize("content", [b"", b"no records, but text that somebody wrote"])
def test_what_is_no_example_is_said(content: bytes, fn_args: MakeFnArgs) -> None:
    """A search on nothing would begin, or end in a message about a checksum."""
    given = fn_args(ROWS)
    Path(given.train_files[0].replace("*", "a.gz")).write_bytes(content)
    with pytest.raises(ValueError, match="tf.Examples. Received: "):
        data.dataset(given, "train")


def test_another_split_is_refused(fn_args: MakeFnArgs) -> None:
    """An AttributeError would name a field of TFX's."""
    with pytest.raises(ValueError, match="one of the splits train, eval"):
        data.dataset(fn_args(ROWS), "test")


@pytest.mark.parametrize("columns", [[], ["count", "kind"]])
def test_table_needs_columns_besides_the_label(
    columns: list[str], fn_args: MakeFnArgs
) -> None:
    """It would end in a KeyError, or in a message of NumPy's."""
    with pytest.raises(ValueError, match="the label not among them"):
        data.table(fn_args(ROWS), "train", columns, label="kind")


@pytest.mark.parametrize(
    ("label", "classes", "said"),
    [
        ("count", ["0", "7", "9"], "a label of text"),
        (None, ["a", "b"], "a label of text"),
        ("kind", [], "each of them once"),
        ("kind", ["a", "b", "a"], "each of them once"),
        ("kind", "ab", "each of them once"),
    ],
)
def test_classes_that_number_nothing_are_refused(
    label: str | None, classes: list[str], said: str, fn_args: MakeFnArgs
) -> None:
    """TensorFlow would complain of the type of keys, or of a missing device."""
    with pytest.raises(ValueError, match=said):
        data.dataset(fn_args(ROWS), "train", label=label, classes=classes)


def test_table_has_room_for_the_longest_row(
    fn_args: MakeFnArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values of one column would be in the place of another, in a later batch."""
    monkeypatch.setattr(reading, "_CHUNK", 1)
    rows = [
        {"a": [1.0], "b": [2.0, 3.0], "y": 0},
        {"a": [4.0, 5.0], "b": [6.0], "y": 1},
    ]
    x, _ = data.table(fn_args(rows), "train", ["a", "b"], label="y", missing=-1)
    assert x.tolist() == [[1, -1, 2, 3], [4, 5, 6, -1]]
