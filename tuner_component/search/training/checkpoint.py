"""Lets an interrupted training go on from its last finished epoch.

The state after an epoch holds all that the rest of the training and its result depend
on: model, optimizer, curve so far, random generators, what the callbacks have counted,
and the best value of the objective. It is written at a rate that costs at most a small
share of the training time, so a crash costs the epochs since the last write.

The states of a trial are kept in files of the study until the trial has ended.
"""

import contextlib
import dataclasses
import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from tuner_component.search.errors import StorageError
from tuner_component.search.storage import arrays, faults, files, names
from tuner_component.search.training import training_state
from tuner_component.search.training.best_weights import BestWeights
from tuner_component.search.training.epoch_reports import EpochReporter
from tuner_component.search.training.write_budget import WriteBudget

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
        with _tolerated(directory):
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

    def forget(self, fit: int) -> None:
        """Drops the state of a training that cannot be used."""
        self._states.pop(fit, None)
        path = self._path(fit)
        with _tolerated(path):
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
            with _tolerated(self._directory):
                files.remove_tree(self._directory)

    def clear_for_next_run(self) -> None:
        """Removes everything but the count of runs: this one ended in a failure.

        If the process dies in between, the next attempt counts from 0 again: it repeats
        a run that failed.
        """
        self.clear()
        self.run += 1
        with _tolerated(self._directory):
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
def _tolerated(path: str) -> Iterator[None]:
    """Turns failures of the storage into warnings: trials can do without checkpoints."""
    try:
        yield
    except (OSError, StorageError) as error:
        _LOG.warning("Trainings in %s may start over. %s", path, error)


@dataclasses.dataclass
class Training:
    """One training (one call of `model.fit`) of a trial.

    Attributes:
        trial_id: The trial.
        number: Number of the training within the trial, from 0.
        model: The Keras model that is trained.
        callbacks: The callbacks of the user and of KerasTuner.
        history: The History callback that collects the curve.
        reporter: The callback that reports the epochs.
        checkpoints: Where states are kept.
        best: Guard of the trial's best weights.
        budget: Decides when a state may be written.
    """

    trial_id: str
    number: int
    model: Any
    callbacks: Sequence[Any]
    history: Any
    reporter: EpochReporter
    checkpoints: CheckpointFiles
    best: BestWeights
    budget: WriteBudget

    def may_write(self, at_end: bool = False) -> bool:
        """Whether the whole state can be written, and is worth its price now."""
        return training_state.can_be_captured(self.model) and self.budget.allows(
            training_state.model_size(self.model), at_end
        )

    def write(self, epoch: int | None) -> None:
        """Writes the whole state after an epoch, or after the last one (None)."""
        with self.budget.writing(training_state.model_size(self.model)):
            self._write(
                epoch,
                **training_state.capture_model(self.model),
                callbacks=training_state.capture_callbacks(self.callbacks),
                random=training_state.capture_random(),
            )

    def write_result(self) -> None:
        """Writes only the curve of the whole training, a few kilobytes.

        Enough if nothing but the curve is used afterwards.
        """
        self._write(None, build_config=training_state.build_config(self.model))

    def restore(self, state: dict[str, Any]) -> None:
        """Puts back a state; a training whose result alone was kept stays untrained.

        Raises:
            training_state.MismatchError: The state belongs to another model.
        """
        if "model" in state:
            training_state.restore_model(self.model, state)
            training_state.restore_callbacks(self.callbacks, state["callbacks"])
            training_state.restore_random(state["random"])
        else:
            # KerasTuner saves the build configuration of every model it trained.
            training_state.ensure_built(self.model, state["build_config"])
        self.history.history = state["history"]
        self.history.epoch = state["epochs"]
        self.reporter.restore(state.get("reported", []))
        self.best.resume(self._mark(state["epoch"]), state["best_value"])

    def give_up(self, error: Exception) -> None:
        """Drops a state that belongs to another model: this training starts over."""
        _LOG.warning(
            "Trial %s: training %d starts over, its checkpoint cannot be used. %s",
            *(self.trial_id, self.number, error),
        )
        self.checkpoints.forget(self.number)

    def _write(self, epoch: int | None, **state: Any) -> None:
        state["epoch"] = epoch
        state["history"] = self.history.history
        state["epochs"] = self.history.epoch
        state["best_value"] = self.best.value
        state["reported"] = self.reporter.epochs
        try:
            data = arrays.encode(state)
            # The order counts: the weights must be on the disk before a checkpoint that
            # refers to them, and older ones may go only when that is there, too.
            self.best.make_durable()
            self.checkpoints.write(self.number, data)
            self.best.checkpointed(self._mark(epoch))
        except (OSError, StorageError, TypeError) as error:
            # Training goes on without a checkpoint.
            _LOG.warning(
                "Trial %s: no checkpoint written, training goes on. %s",
                *(self.trial_id, error),
            )

    def _mark(self, epoch: int | None) -> str:
        return f"{self.number}-{'end' if epoch is None else epoch}"


class EpochCheckpoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the state of a training after its epochs, and starts from a saved one.

    Must be the last callback of the training, so that the others have reset themselves
    when a state is put back, and have counted the epoch when one is written, or have
    stopped the training.

    Args:
        training: The training.
        state: What to go on from; None to start from the beginning.
    """

    def __init__(self, training: Training, state: dict[str, Any] | None) -> None:
        super().__init__()
        self._training = training
        self._state = state

    def on_train_begin(self, logs: Any = None) -> None:
        """Puts the state back and skips the epochs before it.

        Not earlier: the other callbacks start counting anew in this call.
        """
        state, self._state = self._state, None
        if state is None:
            return
        try:
            self._training.restore(state)
        except training_state.MismatchError as error:
            self._training.give_up(error)
            return
        epoch = state["epoch"] + 1
        # `fit` looks at it after this, on every backend: Keras has it for its callback
        # BackupAndRestore.
        self._training.model._initial_epoch = epoch
        _LOG.info(
            "Trial %s goes on after epoch %d of %s (training %d).",
            *(self._training.trial_id, epoch, self.params.get("epochs")),
            self._training.number,
        )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Ends the skipping: the next training of the model starts at its first epoch."""
        self._training.model._initial_epoch = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes the state, if it is worth its price and training goes on."""
        # After the last epoch, `TrialRun` knows what is needed of the training.
        last = self._training.model.stop_training or epoch + 1 >= self.params["epochs"]
        if not last and self._training.may_write():
            self._training.write(epoch)
