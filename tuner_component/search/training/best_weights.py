"""Keeps the file of a trial's best weights in step with what is known of its training.

KerasTuner writes the weights in place whenever an epoch is the best so far. If the trial
is interrupted, two things may be wrong: the file is torn, or it already holds an epoch
that the trial, going on from its last checkpoint, has not reached yet. Then the best
score and the best weights belong to different epochs.

So a new file replaces the old one only when it is complete, and the first one after a
checkpoint does not replace the old file but moves it aside. Going on from that
checkpoint moves it back. On a local disk this costs two renames and no copy.

The names of the files tell which checkpoint they belong to (its mark), since a process
that dies has no time to write that down.
"""

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Any

from keras_tuner.src.engine import tuner_utils

from tuner_component.search.epoch_state import training_state
from tuner_component.search.machine import disk_space
from tuner_component.search.storage import files

_SUFFIX = ".weights.h5"
_KEPT = ".kept-"
# Bytes that HDF5 adds to the weights, and that others write at the same time.
_RESERVE = 1 << 20


def find_saver(callbacks: Sequence[Any]) -> Any:
    """Returns KerasTuner's callback that saves the best weights, None without one."""
    for callback in callbacks:
        if isinstance(callback, tuner_utils.SaveBestEpoch):
            return callback
    return None


def kept_files(weights: str) -> list[str]:
    """Returns the paths of all files that were moved aside for `weights`."""
    directory, name = os.path.split(weights)
    prefix = name.removesuffix(_SUFFIX) + _KEPT
    names = files.list_names(directory)
    return [files.join(directory, found) for found in names if found.startswith(prefix)]


class BestWeights:
    """Guards the best weights of one trial.

    Attributes:
        paused: While set, nothing is saved. For trainings that are repeated on the way
            to a later one: the file already holds the best of them.
    """

    def __init__(self) -> None:
        self.paused = False
        self._saver: Any = None
        self._mark: str | None = None
        self._kept = False
        self._synced = True

    def guard(self, saver: Any) -> None:
        """Replaces how `saver`, a SaveBestEpoch, writes its file."""
        if saver is None or saver is self._saver:
            return
        self._saver = saver
        save = saver._save_model
        saver._save_model = lambda: self._save(save)

    @property
    def value(self) -> float | None:
        """The best value of the objective so far."""
        return None if self._saver is None else float(self._saver.best_value)

    def make_durable(self) -> None:
        """Flushes the weights to the disk, before a checkpoint refers to them."""
        if self._synced or self._saver is None or files.is_remote(self._weights):
            return
        descriptor = os.open(self._weights, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._synced = True

    def checkpointed(self, mark: str) -> None:
        """A checkpoint named `mark` is durable: the file belongs to it from now on."""
        if not self.paused:
            self._forget_kept()
            self._mark, self._kept = mark, False

    def resume(self, mark: str, value: float | None) -> None:
        """Makes value and file those of the checkpoint named `mark`."""
        if self._saver is None or value is None:
            return
        self._saver.best_value = value
        if self.paused:
            return
        # A file kept for another checkpoint is older: it was to be removed once this one
        # was durable. Without a kept file no better epoch was saved since.
        for kept in kept_files(self._weights):
            if kept == self._kept_path(mark):
                files.move(kept, self._weights)
            else:
                files.remove(kept)
        self._mark, self._kept = mark, False

    def close(self) -> None:
        """The trial has ended: what was moved aside is not needed any more."""
        self._forget_kept()
        self._mark = None

    @property
    def _weights(self) -> str:
        return str(self._saver.filepath)

    def _kept_path(self, mark: str) -> str:
        return self._weights.removesuffix(_SUFFIX) + _KEPT + mark + _SUFFIX

    def _forget_kept(self) -> None:
        if self._kept and self._mark is not None:
            files.remove(self._kept_path(self._mark))
            self._kept = False

    def _save(self, save: Callable[[], None]) -> None:
        if self.paused:
            return
        weights = self._weights
        if files.is_remote(weights):
            # There a file appears whole when it is closed, and renaming is a copy.
            self._keep(weights)
            save()
            return
        new = weights.removesuffix(_SUFFIX) + ".new" + _SUFFIX
        files.require_place(new)  # KerasTuner writes by name.
        self._saver.filepath = new
        try:
            # Ask first: HDF5 writes small arrays when the file is closed. If it finds no
            # space for them then, it says nothing, or ends the process with a
            # segmentation fault.
            size = training_state.model_size(self._saver.model)
            disk_space.require(os.path.dirname(new), size + _RESERVE)
            save()
        except Exception:
            _discard(new)
            raise
        finally:
            self._saver.filepath = weights
        if files.exists(new):  # Not on the helpers of a multi-worker strategy.
            # Between the two renames there is no file of this name. A process that dies
            # there goes on from the checkpoint, which moves the kept one back.
            self._keep(weights)
            files.move(new, weights)
            self._synced = False

    def _keep(self, weights: str) -> None:
        if self._mark is not None and not self._kept and files.exists(weights):
            files.move(weights, self._kept_path(self._mark))
            self._kept = True


def _discard(path: str) -> None:
    """Removes a file that a failed save left, and that HDF5 still holds open."""
    with contextlib.suppress(OSError):
        os.truncate(path, 0)  # Its space is free at once, for HDF5's last words too.
        os.unlink(path)
