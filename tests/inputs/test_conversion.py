"""What is said of data that TFX cannot read, or that no module could."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import tensorflow as tf

from tuner_component.inputs import conversion


def write(directory: Path, split: str, *rows: dict[str, int | float]) -> None:
    (directory / f"Split-{split}").mkdir()
    path = directory / f"Split-{split}" / "0.gz"
    with tf.io.TFRecordWriter(str(path), "GZIP") as file:
        for row in rows:
            example = tf.train.Example()
            for name, value in row.items():
                feature = example.features.feature[name]
                if isinstance(value, int):
                    feature.int64_list.value.append(value)
                else:
                    feature.float_list.value.append(value)
            file.write(example.SerializeToString())


def test_data_without_rows_are_refused(tmp_path: Path) -> None:
    """A search would begin on a file that has a header line alone."""
    write(tmp_path, "train")
    write(tmp_path, "eval", {"x": 1})
    with pytest.raises(ValueError, match="Expected rows to train on"):
        conversion.infer_schema(str(tmp_path), str(tmp_path / "schema"))


def test_column_of_several_types_is_refused(tmp_path: Path) -> None:
    """It would end in a traceback of TensorFlow Data Validation's."""
    write(tmp_path, "train", {"x": 1}, {"x": 1.5})
    with pytest.raises(ValueError, match="one type in all files of --train"):
        conversion.infer_schema(str(tmp_path), str(tmp_path / "schema"))


def test_splits_of_several_types_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each trial would fail, and say "Data types don't match", but not why."""
    write(tmp_path, "train", {"x": 1, "y": 1})
    write(tmp_path, "eval", {"x": 1.5, "y": 1})
    conversion.infer_schema(str(tmp_path), str(tmp_path / "schema"))
    [warning] = [
        line for line in caplog.messages if line.startswith("Expected the column")
    ]
    assert "column 'x'" in warning
    assert "INT and FLOAT" in warning


def test_error_of_tfx_names_the_files() -> None:
    """It would name a step of Beam's, or end in a bare traceback."""
    said = r"^Expected TFRecord files .* Received: /a, /b \(Not a valid record\)"
    splits = {"train": ["/a"], "eval": ["/b"]}
    with (
        pytest.raises(ValueError, match=said),
        conversion._explained("TFRecord", splits),
    ):
        raise RuntimeError("Not a valid record [while running 'Read']")


def test_full_disk_is_no_fault_of_the_data() -> None:
    """People would look for a mistake in their files."""
    with pytest.raises(OSError, match="No space"), conversion._explained("CSV", {}):
        raise OSError(errno.ENOSPC, "No space left on device")
