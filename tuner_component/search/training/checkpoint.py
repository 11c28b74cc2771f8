"""Lets an interrupted training go on from its last finished epoch.

The state after an epoch holds all that the rest of the training and its result depend
on: model, optimizer, curve so far, random generators, what the callbacks have counted,
and the best value of the objective. It is written at a rate that costs at most a small
share of the training time, so a crash costs the epochs since the last write.

The files are in `checkpoint_files`.
"""

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any, NoReturn

import keras

from tuner_component.search.epoch_state import training_state
from tuner_component.search.epoch_state.object_state import MismatchError
from tuner_component.search.epoch_state.training_state import TrainingState
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import arrays
from tuner_component.search.training.best_weights import BestWeights
from tuner_component.search.training.checkpoint_files import CheckpointFiles, tolerated
from tuner_component.search.training.epoch_reports import EpochReporter
from tuner_component.search.training.pausing import TrialPaused
from tuner_component.search.training.write_budget import WriteBudget

_LOG = logging.getLogger(__name__)

# If these are not told of an end, the next training goes on from the backup of this one,
# writes where this one wrote, and cannot be traced.
_LEAVE_BEHIND = (keras.callbacks.BackupAndRestore, keras.callbacks.TensorBoard)


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
        adds_up: Whether the history is the user's, with several trainings perhaps.
        _state: What has changed since it began.
        _is_lost: Whether its state turned out to be one that cannot be read.
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
    adds_up: bool = False
    _state: TrainingState | None = None
    _is_lost: bool = False

    def begin(self) -> None:
        """Says that all is set up, and the first epoch not begun.

        A `fit` of the model's own may train several times with the same callbacks. Of the
        later trainings nothing is saved: in the state of an epoch, the first one goes on.
        """
        if self._state is not None:
            if not self.adds_up:
                self.history.history = {}  # As in the one that Keras would make.
            if not self._is_lost:
                self._stop_writing("Its fit trains more than once.")
            return
        try:
            self._state = TrainingState(self.model, self.callbacks)
        except Exception as error:  # noqa: BLE001 - whatever the user's objects raise.
            self._stop_writing(f"They could not be looked at. {error!r}")

    def may_write(self, at_end: bool = False) -> bool:
        """Whether the whole state is worth its price now."""
        return (
            self._state is not None
            and not self._is_lost
            and self.budget.allows(training_state.model_size(self.model), at_end)
        )

    @property
    def can_pause(self) -> bool:
        """Whether nothing is known that keeps its state from being saved."""
        return self._state is not None and not self._is_lost

    def pause(self, epoch: int) -> None:
        """Leaves the training after an epoch; it ends there if it cannot be saved.

        Raises:
            TrialPaused: Otherwise.
        """
        if self.write(epoch):
            self.leave()
        self.reporter.stop()

    def leave(self) -> NoReturn:
        """Leaves the training, which is saved, to another one in this process.

        Raises:
            TrialPaused: Always.
        """
        for callback in self.callbacks:
            for cls in _LEAVE_BEHIND:
                if isinstance(callback, cls):
                    cls.on_train_end(callback)
        raise TrialPaused

    def write(self, epoch: int | None) -> bool:
        """Writes the whole state after an epoch, or after the last one (None).

        If it cannot be read, what is written is why not.

        Returns:
            Whether it is written.
        """
        assert self._state is not None
        with self.budget.writing(training_state.model_size(self.model)):
            try:
                state = self._state.capture(self._metrics())
            except training_state.NotCapturedError as error:
                self._stop_writing(str(error))
            except Exception as error:  # noqa: BLE001 - whatever the user's objects raise.
                self._stop_writing(f"They could not be read. {error!r}")
            else:
                return self._write(epoch, **state)
        return False

    def write_result(self) -> None:
        """Writes only the curve of the whole training, a few kilobytes.

        Enough if nothing but the curve is used afterwards.
        """
        self._write(None, build_config=training_state.build_config(self.model))

    def restore(self, state: dict[str, Any]) -> None:
        """Puts back a state; a training whose result alone was kept stays untrained.

        Raises:
            object_state.MismatchError: The state belongs to another model.
        """
        if "model" in state:
            self._restore(state)
        else:
            # KerasTuner saves the build configuration of every model it trained.
            training_state.ensure_built(self.model, state["build_config"])
        self.history.history = state["history"]
        self.history.epoch = state["epochs"]
        pending = state.get("pending", False)
        self.reporter.restore(state.get("reported", []), pending)
        self.best.resume(self._mark(state["epoch"]), state["best_value"])

    def give_up(self, why: object) -> None:
        """Drops a state that cannot be used: this training starts over."""
        _LOG.warning(
            "Trial %s: training %d starts over, its checkpoint cannot be used. %s",
            *(self.trial_id, self.number, why),
        )
        self.checkpoints.forget(self.number)

    def _restore(self, state: dict[str, Any]) -> None:
        began = self._state is not None
        try:
            now = self._state or TrainingState(self.model, self.callbacks)
            left = now.restore(state)
        except MismatchError:
            raise
        except Exception as error:  # Whatever the user's objects raise.
            raise MismatchError(f"It could not be put back. {error!r}") from error
        if left and began:
            _LOG.warning(
                "Trial %s: training %d goes on, and this is not as it was: %s.",
                *(self.trial_id, self.number, training_state.described(left)),
            )

    def _stop_writing(self, why: str) -> None:
        self._is_lost = True
        goes_on = self.checkpoints.holds(self.number)
        _LOG.warning(
            "Trial %s: model and callbacks of training %d cannot be saved. After an "
            "interruption it %s. %s",
            *(self.trial_id, self.number),
            "goes on from an earlier epoch" if goes_on else "starts over",
            why,
        )
        if not goes_on:  # So that the log says it then, too.
            with tolerated(self.trial_id):
                self.checkpoints.write(self.number, arrays.encode({"why": why}))

    def _metrics(self) -> set[float]:
        """The metrics after each epoch so far."""
        told = [metrics.values() for _, metrics in self.reporter.epochs]
        return {value for values in told for value in values}

    def _write(self, epoch: int | None, **state: Any) -> bool:
        state["epoch"] = epoch
        state["history"] = self.history.history
        state["epochs"] = self.history.epoch
        state["best_value"] = self.best.value
        state["reported"] = self.reporter.epochs
        state["pending"] = self.reporter.stopped or self.reporter.paused
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
            return False
        return True

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

        Raises:
            TrialPaused: If it was saved to pause there, and is to do so.
        """
        self._training.begin()
        state, self._state = self._state, None
        if state is None:
            return
        try:
            self._training.restore(state)
        except MismatchError as error:
            self._training.give_up(error)
            return
        if self._training.reporter.paused:
            self._training.leave()  # It was to, and was interrupted when it was saved.
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
        """Writes the state, if it is worth its price and training goes on.

        Raises:
            TrialPaused: If the trial is to pause: then it is written whatever its price.
        """
        if self._training.reporter.paused:
            self._training.pause(epoch)
        # After the last epoch, `TrialRun` knows what is needed of the training.
        last = self._training.model.stop_training or epoch + 1 >= self.params["epochs"]
        if not last and self._training.may_write():
            self._training.write(epoch)
