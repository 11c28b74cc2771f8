"""Data on filesystems that TFX reaches; this one is in TensorFlow's memory."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import tensorflow as tf

from tuner_component.inputs import data, remote


@pytest.fixture
def bucket(tmp_path: Path) -> str:
    uri = f"ram://{tmp_path.name}"
    tf.io.gfile.makedirs(uri)
    for name in ("a.csv", "b.csv", "sub/c.csv"):
        tf.io.gfile.makedirs(str(Path(f"/{name}").parent).replace("/", f"{uri}/", 1))
        with tf.io.gfile.GFile(f"{uri}/{name}", "w") as file:
            file.write(name)
    return uri


def arguments(train: str) -> argparse.Namespace:
    """The command line `tune --train URI`."""
    return argparse.Namespace(
        train=[train], eval=[], schema=None, transform_graph=None, base_model=None
    )


def content(path: Path) -> dict[str, str]:
    files = [one for one in path.rglob("*") if one.is_file()]
    return {str(one.relative_to(path)): one.read_text() for one in files}


def test_directory_is_copied_once(bucket: str, tmp_path: Path) -> None:
    """Data of a bucket would be refused, or copied for each run."""
    copy = Path(remote.fetched(bucket, str(tmp_path / "copies")))
    assert content(copy) == {name: name for name in ("a.csv", "b.csv", "sub/c.csv")}
    (copy / "a.csv").write_text("kept")
    again = Path(remote.fetched(bucket, str(tmp_path / "copies")))
    assert (again / "a.csv").read_text() == "kept"


def test_file_and_pattern(bucket: str, tmp_path: Path) -> None:
    """Only whole directories could be named."""
    one = Path(remote.fetched(f"{bucket}/a.csv", str(tmp_path)))
    assert (one.name, one.read_text()) == ("a.csv", "a.csv")
    several = Path(remote.fetched(f"{bucket}/*.csv", str(tmp_path)))
    assert content(several) == {"a.csv": "a.csv", "b.csv": "b.csv"}


def test_files_of_one_name_are_all_copied(bucket: str, tmp_path: Path) -> None:
    """A search would train on the last of the days that a pattern names."""
    for day in "123":
        for name in ("x.csv", "more/y.csv"):
            path = f"{bucket}/day={day}/{name}"
            tf.io.gfile.makedirs(path.rpartition("/")[0])
            with tf.io.gfile.GFile(path, "w") as file:
                file.write(day)
    copied = Path(remote.fetched(f"{bucket}/day=*/x.csv", str(tmp_path)))
    assert content(copied) == {"x.csv": "1", "x-2.csv": "2", "x-3.csv": "3"}
    folders = content(Path(remote.fetched(f"{bucket}/day=*", str(tmp_path))))
    assert folders == {
        **content(copied),
        **{f"more/y{end}.csv": day for end, day in zip(("", "-2", "-3"), "123")},
    }


def test_changed_file_is_copied_again(bucket: str, tmp_path: Path) -> None:
    """The search would go on with yesterday's data."""
    before = remote.fetched(f"{bucket}/a.csv", str(tmp_path))
    with tf.io.gfile.GFile(f"{bucket}/a.csv", "w") as file:
        file.write("something longer")
    after = Path(remote.fetched(f"{bucket}/a.csv", str(tmp_path)))
    assert str(after) != before
    assert after.read_text().endswith("something longer")  # This one appends.


@pytest.mark.parametrize(
    ("uri", "said"),
    [("ram://nowhere/a.csv", "there is nothing of that name"), ("xyz://a", "can read")],
)
def test_what_cannot_be_read_is_said(uri: str, said: str, tmp_path: Path) -> None:
    """It would end in a traceback of a filesystem's."""
    with pytest.raises(ValueError, match=said):
        data.artifacts(arguments(uri), str(tmp_path))


def test_examples_are_read_where_they_are(bucket: str, tmp_path: Path) -> None:
    """Gigabytes would be copied that each worker can read by itself."""
    for split in ("train", "eval"):
        tf.io.gfile.makedirs(f"{bucket}/examples/Split-{split}")
    found = data.artifacts(arguments(f"{bucket}/examples"), str(tmp_path / "data"))
    assert found["examples"][0].uri == f"{bucket}/examples"
    assert not (tmp_path / "data").exists()
