"""Where the states of a trial's trainings are kept, until the trial has ended.

One file for each training, in the study. This module needs no Keras: how far a trial got
is also asked by processes that train nothing.
"""

import contextlib
import logging
import re
from collections.abc import Iterator
from typing import Any

from tuner_component.search.errors import StorageError
from tuner_component.search.storage import arrays, faults, files, names

_LOG = logging.getLogger(__name__)

_FIT = re.compile(r"fit-(\d{5})\.state")
_RUN = re.compile(r"run-(\d{5})")

# What tells how far a training got comes first in its file. It is a few kilobytes, and as
# much as this with a hundred thousand epochs; weights may be gigabytes.
_BEGINNING = 1 << 24

_WRITING = faults.declare(
    "training.write.before", "an epoch of a trial has ended, its state is not written"
)
_WRITTEN = faults.declare(
    "training.write.after", "the state of a trial after an epoch is durable"
)


def directory_of(study_directory: str, trial_id: str) -> str:
    """Returns the directory for the trainings of a trial."""
    return files.join(study_directory, "trials", names.component(trial_id), "training")


def reached(study_directory: str, trial_id: str) -> tuple[int, int, int]:
    """How far a trial got, as far as it is saved; a later point compares as greater.

    Returns:
        How often the trial was run to a failure of its own, how many of its trainings
        are over, and how many epochs of the next one are.
    """
    directory = directory_of(study_directory, trial_id)
    run, fit, epochs = 0, 0, 0
    with tolerated(directory):
        found = files.list_names(directory)
        run = max(_numbers(_RUN, found), default=0)
        fit = max(_numbers(_FIT, found), default=0)
        epoch = _saved_epoch(_path(directory, fit))
        # It was trained to its end if there is no number.
        fit, epochs = (fit + 1, 0) if epoch is None else (fit, epoch + 1)
    return run, fit, epochs


def saved_at(
    study_directory: str, trial_id: str, fit: int, epochs: int
) -> tuple[int, int, int]:
    """The same of a trial that was just saved; it costs no look into the file.

    Args:
        study_directory: Path or URI of the study.
        trial_id: The trial.
        fit: The number of the training that was saved.
        epochs: How many epochs it has.
    """
    directory = directory_of(study_directory, trial_id)
    run = 0
    with tolerated(directory):
        run = max(_numbers(_RUN, files.list_names(directory)), default=0)
    return run, fit, epochs


class CheckpointFiles:
    """The state of each training of a trial, by its number within the trial.

    A trial may train several times: once per execution, per fold, per phase. There is
    one file for each, replaced as the training goes on. Only `write` raises what the
    storage raises.

    Args:
        directory: What `directory_of` returned; created when first needed.
        read_only: Whether another process keeps them: then this one changes nothing.

    Attributes:
        run: How often the trial was run to a failure of its own before.
    """

    def __init__(self, directory: str, read_only: bool = False) -> None:
        self._directory = directory
        self._read_only = read_only
        self._states: dict[int, Any] = {}
        self._exists = False
        self.run = 0
        with tolerated(directory):
            self._load()

    @property
    def latest(self) -> int:
        """The number of the last training whose state was not taken; -1 if none."""
        return max(self._states, default=-1)

    def take(self, fit: int) -> Any:
        """Returns the state of a training, once; None if there is none.

        A state is as large as the model and its optimizer. It is not held on to.
        """
        return self._states.pop(fit, None)

    def holds(self, fit: int) -> bool:
        """Whether something is kept of a training, taken or not."""
        return files.exists(self._path(fit))

    def forget(self, fit: int) -> None:
        """Drops the state of a training that cannot be used."""
        self._states.pop(fit, None)
        if self._read_only:
            return
        path = self._path(fit)
        with tolerated(path):
            files.remove(path)

    def write(self, fit: int, data: bytes) -> None:
        """Makes the state of a training durable, whole or not at all.

        Args:
            fit: The training's number within the trial.
            data: An encoded state.

        Raises:
            StorageError: It cannot be written; the state before it is kept.
        """
        if self._read_only:
            return
        if not self._exists:
            files.makedirs(self._directory)
            self._exists = True
        faults.point(_WRITING)
        files.write_bytes(self._path(fit), data)
        faults.point(_WRITTEN)

    def clear(self) -> None:
        """Removes everything: the trial has ended."""
        self._states.clear()
        if self._exists and not self._read_only:
            self._exists = False
            with tolerated(self._directory):
                files.remove_tree(self._directory)

    def clear_for_next_run(self) -> None:
        """Removes everything but the count of runs: this one ended in a failure.

        If the process dies in between, the next attempt counts from 0 again: it repeats
        a run that failed.
        """
        self.clear()
        self.run += 1
        if self._read_only:
            return
        with tolerated(self._directory):
            files.makedirs(self._directory)
            self._exists = True
            path = files.join(self._directory, f"run-{self.run:05}")
            files.write_bytes(path, b"")

    def _path(self, fit: int) -> str:
        return _path(self._directory, fit)

    def _load(self) -> None:
        found = files.list_names(self._directory)
        self._exists = bool(found)
        self.run = max(_numbers(_RUN, found), default=0)
        for fit in _numbers(_FIT, found):
            data = files.read_bytes(self._path(fit))
            try:
                self._states[fit] = arrays.decode(data)
            except arrays.DamagedStateError as error:
                _LOG.warning(
                    "%s: %s That training starts over.", self._path(fit), error
                )
                self.forget(fit)


def begin_run(study_directory: str, trial_id: str, run: int) -> None:
    """Has a trial begin anew, if it has not begun since.

    Args:
        study_directory: Path or URI of the study.
        trial_id: A trial that no process runs.
        run: How often it was run to a failure of its own before.
    """
    directory = directory_of(study_directory, trial_id)
    with tolerated(directory):
        if f"run-{run:05}" not in files.list_names(directory):
            files.remove_tree(directory)
            files.makedirs(directory)
            files.write_bytes(files.join(directory, f"run-{run:05}"), b"")


def _path(directory: str, fit: int) -> str:
    return files.join(directory, f"fit-{fit:05}.state")


def _numbers(pattern: re.Pattern[str], names: list[str]) -> list[int]:
    return [int(match[1]) for match in map(pattern.fullmatch, names) if match]


def _saved_epoch(path: str) -> int | None:
    """The last saved epoch of a training; None for one that is over, -1 if none is."""
    try:
        state = arrays.decode_beginning(files.read_bytes(path, _BEGINNING))
        epoch = state["epoch"]
    # Nothing is saved, or why nothing could be, or it is damaged.
    except (FileNotFoundError, KeyError, TypeError, arrays.DamagedStateError):
        return -1
    return epoch if epoch is None or isinstance(epoch, int) else -1


@contextlib.contextmanager
def tolerated(path: str) -> Iterator[None]:
    """Turns failures of the storage into warnings: trials can do without checkpoints."""
    try:
        yield
    except (OSError, StorageError) as error:
        _LOG.warning("Trainings in %s may start over. %s", path, error)
