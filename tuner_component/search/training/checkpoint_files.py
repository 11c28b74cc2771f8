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

_WRITING = faults.declare(
    "training.write.before", "an epoch of a trial has ended, its state is not written"
)
_WRITTEN = faults.declare(
    "training.write.after", "the state of a trial after an epoch is durable"
)


def directory_of(study_directory: str, trial_id: str) -> str:
    """Returns the directory for the trainings of a trial."""
    return files.join(study_directory, "trials", names.component(trial_id), "training")


class CheckpointFiles:
    """The state of each training of a trial, by its number within the trial.

    A trial may train several times: once per execution, per fold, per phase. There is
    one file for each, replaced as the training goes on. Only `write` raises what the
    storage raises.

    Args:
        directory: What `directory_of` returned; created when first needed.

    Attributes:
        run: How often the trial was run to a failure of its own before.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
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
        if not self._exists:
            files.makedirs(self._directory)
            self._exists = True
        faults.point(_WRITING)
        files.write_bytes(self._path(fit), data)
        faults.point(_WRITTEN)

    def clear(self) -> None:
        """Removes everything: the trial has ended."""
        self._states.clear()
        if self._exists:
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
        with tolerated(self._directory):
            files.makedirs(self._directory)
            self._exists = True
            path = files.join(self._directory, f"run-{self.run:05}")
            files.write_bytes(path, b"")

    def _path(self, fit: int) -> str:
        return files.join(self._directory, f"fit-{fit:05}.state")

    def _load(self) -> None:
        found = files.list_names(self._directory)
        self._exists = bool(found)
        runs = [int(match[1]) for match in map(_RUN.fullmatch, found) if match]
        self.run = max(runs, default=0)
        for match in filter(None, map(_FIT.fullmatch, found)):
            fit = int(match[1])
            data = files.read_bytes(self._path(fit))
            try:
                self._states[fit] = arrays.decode(data)
            except arrays.DamagedStateError as error:
                _LOG.warning(
                    "%s: %s That training starts over.", self._path(fit), error
                )
                self.forget(fit)


@contextlib.contextmanager
def tolerated(path: str) -> Iterator[None]:
    """Turns failures of the storage into warnings: trials can do without checkpoints."""
    try:
        yield
    except (OSError, StorageError) as error:
        _LOG.warning("Trainings in %s may start over. %s", path, error)
