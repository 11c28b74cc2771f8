"""The directory of a split of images."""

from pathlib import Path

import pytest

from tuner_component import data
from tuner_component.pipeline import fn_args as fn_args_lib
from tuner_component.proto import tuner_pb2


def test_directory_of_the_classes_is_found(tmp_path: Path) -> None:
    """Keras could not read what TFX hands over as a pattern."""
    (tmp_path / "Split-eval" / "cats").mkdir(parents=True)
    message = tuner_pb2.TunerFnArgs(eval_files=[str(tmp_path / "Split-eval" / "*")])
    given = fn_args_lib.to_fn_args(message)
    assert data.image_folder(given, "eval") == str(tmp_path / "Split-eval")


def test_files_without_folders_are_refused(tmp_path: Path) -> None:
    """Keras would say that it found no images, and not what was expected."""
    (tmp_path / "Split-train").mkdir()
    (tmp_path / "Split-train" / "data.gz").touch()
    message = tuner_pb2.TunerFnArgs(train_files=[str(tmp_path / "Split-train" / "*")])
    given = fn_args_lib.to_fn_args(message)
    with pytest.raises(ValueError, match="a folder of images for each class"):
        data.image_folder(given, "train")
