"""The file of the best weights, and the checkpoint that goes with it."""

import contextlib
import errno
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest
from keras_tuner.src.engine import tuner_utils

from tests.search.conftest import Mount
from tuner_component.search.errors import StudyLockedError
from tuner_component.search.storage import files
from tuner_component.search.training.best_weights import (
    BestWeights,
    find_saver,
    kept_files,
)


class Weights:
    """A model of one weight, and the callback of KerasTuner that saves it."""

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "checkpoint.weights.h5")
        self.model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        objective = keras_tuner.Objective("loss", "min")
        self.saver = tuner_utils.SaveBestEpoch(objective, self.path)
        self.saver.set_model(self.model)
        self.best = BestWeights()
        self.best.guard(self.saver)

    def epoch(self, loss: float) -> None:
        """Ends an epoch; the weight is the loss, so that files tell their epoch."""
        self.model.set_weights([np.array([[loss]]), np.zeros(1)])
        self.saver.on_epoch_end(0, {"loss": loss})

    @property
    def saved(self) -> Any:
        self.model.load_weights(self.path)
        return float(self.model.get_weights()[0][0, 0])


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    return Weights(tmp_path)


def test_the_best_epoch_is_saved(weights: Weights) -> None:
    """The guard would break what it guards."""
    for loss in (3.0, 2.0, 5.0):
        weights.epoch(loss)
    assert weights.saved == 2.0
    assert weights.best.value == 2.0


def test_going_on_restores_value_and_file_of_the_checkpoint(tmp_path: Path) -> None:
    """The file would hold an epoch that was lost, and the score belong to another."""
    before = Weights(tmp_path)
    before.epoch(3.0)
    before.best.checkpointed("0-0")
    before.epoch(2.0)
    before.epoch(1.0)  # Both are lost.
    after = Weights(tmp_path)
    after.best.resume("0-0", 3.0)
    assert after.saved == 3.0
    after.epoch(4.0)
    assert after.saved == 3.0
    after.epoch(2.5)
    assert after.saved == 2.5


def test_going_on_twice_from_one_checkpoint(tmp_path: Path) -> None:
    """The second crash would find the file of the first resume's lost epochs."""
    before = Weights(tmp_path)
    before.epoch(3.0)
    before.best.checkpointed("0-0")
    for loss in (2.0, 1.0):
        again = Weights(tmp_path)
        again.best.resume("0-0", 3.0)
        assert again.saved == 3.0
        again.epoch(loss)


def test_a_crash_before_the_new_file_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two renames there is no file at all."""
    from tuner_component.search.storage import files

    before = Weights(tmp_path)
    before.epoch(3.0)
    before.best.checkpointed("0-0")
    move = files.move

    def crash_after_first(source: str, target: str) -> None:
        move(source, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(files, "move", crash_after_first)
        before.epoch(2.0)
    after = Weights(tmp_path)
    assert not Path(after.path).exists()
    after.best.resume("0-0", 3.0)
    assert after.saved == 3.0


def test_an_old_kept_file_is_not_mistaken_for_the_checkpoints(tmp_path: Path) -> None:
    """A crash between checkpoint and clean-up would bring back older weights."""
    before = Weights(tmp_path)
    before.epoch(3.0)
    before.best.checkpointed("0-0")
    before.epoch(2.0)  # The checkpoint 0-1 with these is durable, then the crash.
    after = Weights(tmp_path)
    assert len(kept_files(after.path)) == 1
    after.best.resume("0-1", 2.0)
    assert after.saved == 2.0
    assert kept_files(after.path) == []


def test_nothing_is_kept_after_the_next_checkpoint_or_the_end(weights: Weights) -> None:
    """A trial would leave copies of its weights behind."""
    weights.epoch(3.0)
    weights.best.checkpointed("0-0")
    weights.epoch(2.0)
    assert len(kept_files(weights.path)) == 1
    weights.best.checkpointed("0-1")
    assert kept_files(weights.path) == []
    weights.epoch(1.0)
    weights.best.close()
    assert kept_files(weights.path) == []
    assert weights.saved == 1.0


def test_a_paused_guard_saves_nothing(weights: Weights) -> None:
    """Epochs gone through again would overwrite the best of later executions."""
    weights.epoch(3.0)
    weights.best.paused = True
    weights.epoch(2.0)
    assert weights.saved == 3.0


def test_the_file_is_never_torn(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash during the writing would leave a file that cannot be loaded."""
    weights.epoch(3.0)

    def torn(path: str) -> None:
        Path(path).write_bytes(b"\x89HDF half a file")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(weights.model, "save_weights", torn)
        weights.epoch(2.0)
    assert weights.saved == 3.0
    weights.epoch(1.0)
    assert weights.saved == 1.0


def test_a_file_that_could_not_be_written_leaves_its_space(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk it would take what the journal needs."""
    weights.epoch(3.0)

    def full(path: str) -> None:
        Path(path).write_bytes(b"\x89HDF half a file")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(weights.model, "save_weights", full)
        weights.epoch(2.0)
    assert [path.name for path in Path(weights.path).parent.iterdir()] == [
        "checkpoint.weights.h5"
    ]
    assert weights.saved == 3.0


@pytest.mark.parametrize(("size", "fits"), [("4m", True), ("512k", False)])
def test_weights_that_find_no_space_end_no_process(
    mount: Mount, size: str, fits: bool
) -> None:
    """HDF5 would, with a segmentation fault, if they are many small arrays."""
    weights = Weights(mount(f"size={size}"))
    layers = [keras.layers.Dense(100) for _ in range(20)]
    weights.saver.set_model(keras.Sequential([keras.Input((100,)), *layers]))
    with (
        contextlib.nullcontext()
        if fits
        else pytest.raises(OSError, match="No space left")
    ):
        weights.saver.on_epoch_end(0, {"loss": 1.0})
    assert Path(weights.path).exists() == fits


def test_callbacks_without_a_saver() -> None:
    """A custom way of training would crash on what it does not have."""
    assert find_saver([keras.callbacks.History()]) is None
    best = BestWeights()
    best.guard(None)
    best.make_durable()
    best.resume("0-0", 1.0)
    best.checkpointed("0-0")
    best.close()
    assert best.value is None


def test_no_weights_are_written_where_a_study_was(tmp_path: Path) -> None:
    """A search whose study was moved would replace the weights of the next one."""
    study = tmp_path / "study"
    study.mkdir()
    with files.holding(str(study)):
        weights = Weights(study)
        weights.epoch(3.0)
        study.rename(tmp_path / "moved")
        study.mkdir()
        with pytest.raises(StudyLockedError):
            weights.epoch(2.0)
    assert not list(study.iterdir())
