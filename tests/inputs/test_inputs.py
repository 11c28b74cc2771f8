"""What --train and --eval may name, and what is said of all else."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import tensorflow as tf

from tuner_component.inputs import inputs
from tuner_component.inputs.inputs import Inputs


def write(directory: Path, *names: str) -> None:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def records(path: Path, compression: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), compression) as file:
        file.write(tf.train.Example().SerializeToString())


def found(directory: Path, train: str, evaluation: str | None = None) -> Inputs:
    """What is found, with paths below the directory."""
    paths = [str(directory / evaluation)] if evaluation else []
    given = inputs.found([str(directory / train)], paths)
    names = [
        tuple(str(Path(path).relative_to(directory)) for path in part)
        for part in (given.train, given.eval)
    ]
    return Inputs(given.kind, *names)


@pytest.mark.parametrize("kind", ["csv", "npz", "parquet"])
def test_files_are_known_by_their_names(kind: str, tmp_path: Path) -> None:
    """People would have to convert what they have."""
    write(tmp_path, f"a.{kind}", f"b.{kind.upper()}")
    names = (f"a.{kind}",), (f"b.{kind.upper()}",)
    assert found(tmp_path, *names[0], *names[1]) == Inputs(
        {"csv": "CSV", "npz": "npz", "parquet": "Parquet"}[kind], *names
    )


@pytest.mark.parametrize("name", ["a", "a.tfrecord", "data.txt"])
@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_records_are_known_by_their_content(
    name: str, compression: str, tmp_path: Path
) -> None:
    """TFRecord files have no common suffix."""
    records(tmp_path / name, compression)
    assert found(tmp_path, name) == Inputs("TFRecord", (name,))


def test_directory_and_pattern_stand_for_their_files(tmp_path: Path) -> None:
    """People would have to list a hundred shards."""
    write(tmp_path, "d/b.csv", "d/a.csv", "d/.hidden", "d/_SUCCESS", "d/sub/x.txt")
    write(tmp_path, "d/README.md", "d/LICENSE")
    expected = Inputs("CSV", ("d/a.csv", "d/b.csv"))
    assert found(tmp_path, "d") == expected
    assert found(tmp_path, "d/*.csv") == expected
    assert inputs.found([f"file://{tmp_path}/d"], []).kind == "CSV"


def test_directory_of_images_by_class(tmp_path: Path) -> None:
    """Folders of images are what most people have."""
    write(tmp_path, "pets/cats/1.jpg", "pets/dogs/1.PNG", "pets/notes.txt")
    assert found(tmp_path, "pets") == Inputs("images", ("pets",))


@pytest.mark.parametrize("names", [("train", "val"), ("train", "test", "validation")])
def test_directory_that_is_divided_already(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    """A third of the training images would be set apart, or `train` be a class."""
    write(tmp_path, *(f"pets/{name}/{c}/1.jpg" for name in names for c in "ab"))
    expected = Inputs("images", ("pets/train",), (f"pets/{names[-1]}",))
    assert found(tmp_path, "pets") == expected


def test_test_data_are_what_there_is_to_evaluate_on(tmp_path: Path) -> None:
    """Files of the other split would be trained on."""
    write(tmp_path, "d/train/1.csv", "d/test/1.csv")
    assert found(tmp_path, "d") == Inputs("CSV", ("d/train/1.csv",), ("d/test/1.csv",))


def test_examples_of_a_pipeline(tmp_path: Path) -> None:
    """The output of an ExampleGen could not be searched on."""
    records(tmp_path / "examples" / "Split-train" / "0")
    records(tmp_path / "examples" / "Split-eval" / "0")
    assert found(tmp_path, "examples") == Inputs("Examples", ("examples",))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'{"a": 1}\n{"a": 2}\n', "data.json"),
        (b"a\tb\n1\t2\n", "data.tsv"),
        (b"PK\x03\x04" + bytes(60), "archive.zip"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "picture.png"),
        (gzip.compress(b"a,b\n1,2\n3,4\n5,6\n7,8\n", mtime=0), "data.csv.gz"),
        (b"\x1f\x8bdamaged", "damaged.gz"),
        (b"abc", "short"),
    ],
)
def test_other_files_are_refused_with_what_is_taken(
    content: bytes, name: str, tmp_path: Path
) -> None:
    """TensorFlow would say "corrupted record at 0" after half a minute."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}.*it takes TFRecord files.*parquet"):
        found(tmp_path, name)


@pytest.mark.parametrize(
    ("names", "train", "said"),
    [
        ([], "no.csv", "no.csv, and there is no such file"),
        (["d/a.csv", "d/b.npz"], "d", "Received: CSV and npz"),
        (["d/sub/x.txt"], "d", "with no files in it, and no folders with images"),
    ],
)
def test_mistakes_are_said(
    names: list[str], train: str, said: str, tmp_path: Path
) -> None:
    """The search would begin on a part of the data, or on none."""
    write(tmp_path, *names)
    with pytest.raises(ValueError, match=said):
        found(tmp_path, train)


def test_the_flag_is_named_whose_file_is_refused(tmp_path: Path) -> None:
    """People would look for the mistake in the training data."""
    write(tmp_path, "a.csv")
    (tmp_path / "README.md").write_text("# What this is\n")
    with pytest.raises(
        ValueError, match="--eval to name data .*README.md, which is none"
    ):
        found(tmp_path, "a.csv", "README.md")


@pytest.mark.parametrize(
    ("content", "byte"),
    [
        ("name\nJürgen\n".encode("latin1"), 6),
        ("name\nJürgen\n".encode("utf-16"), 0),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), 1),
        (b"a" * ((1 << 20) - 1) + "ü".encode() + b"\xff", (1 << 20) + 1),
        (b"a\n\xc3", 2),
    ],
)
def test_csv_that_is_no_text_is_refused_by_name(
    content: bytes, byte: int, tmp_path: Path
) -> None:
    """Beam would say at which byte, after half a minute, and not of which file."""
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(ValueError, match=rf"x\.csv, .* byte {byte}\. Save it as UTF-8"):
        found(tmp_path, "x.csv")


def test_csv_may_hold_any_text(tmp_path: Path) -> None:
    """Names of people and places could not be in it."""
    text = "name\n" + "Jürgen 東京 🎉\n" * 100_000  # Blocks end within characters.
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    assert found(tmp_path, "x.csv") == Inputs("CSV", ("x.csv",))


def test_no_model_is_judged_by_what_it_was_trained_on(tmp_path: Path) -> None:
    """The best score would be that of the model that remembers best."""
    write(tmp_path, "a.csv")
    with pytest.raises(ValueError, match="other data in --eval"):
        found(tmp_path, "a.csv", "a.csv")


@pytest.mark.parametrize(("classes", "count"), [(["a"], 1), (["a", "b"], 0)])
def test_one_class_is_warned_of(classes: list[str], count: int, tmp_path: Path) -> None:
    """The parts of a data set would be taken for classes, or a search find nothing out."""
    for name in classes:
        write(tmp_path / "data" / name, "1.png", "2.png")
    given = inputs.found([str(tmp_path / "data")], [])
    warnings = inputs.warnings(given)
    assert len(warnings) == count
    assert all("Received: one class, a, in" in warning for warning in warnings)
