"""How an oracle's trials are paused, go on, and end while they are paused."""

import copy
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search.epochs import Decision
from tuner_component.search.errors import SearchError
from tuner_component.search.kerastuner.facade import OracleFacade
from tuner_component.search.kerastuner.repairs import lock_released_on_error
from tuner_component.search.oracle import informing
from tuner_component.search.oracle.announcements import Announcer
from tuner_component.search.oracle.failures import Tries
from tuner_component.search.oracle.ledger import TrialLedger
from tuner_component.search.oracle.pausing import PausingOracle
from tuner_component.search.oracle.supply import Supply
from tuner_component.search.oracle.trials import OpenTrials
from tuner_component.search.stopping import curve_hearing
from tuner_component.search.stopping.best_epochs import best_epochs
from tuner_component.search.stopping.curves import LearningCurves

_Status = trial_lib.TrialStatus


class PausableOracle(OracleFacade):
    """What a durable oracle does about pauses. An oracle that pauses none notices nothing.

    Attributes:
        epochs: Takes what trials report after each epoch; never waits for a suggestion.
    """

    __slots__ = (
        "_announcer",
        "_ledger",
        "_let_go",
        "_lock",
        "_open",
        "_pausing",
        "_supply",
        "epochs",
    )

    _announcer: Announcer
    _ledger: TrialLedger
    _let_go: list[str]
    _lock: threading.RLock
    _open: OpenTrials
    _pausing: PausingOracle
    _supply: Supply
    epochs: LearningCurves

    def report_epoch(
        self,
        trial_id: str,
        fit: int,
        epoch: int,
        metrics: Mapping[str, float],
        *,
        decided: bool = False,
    ) -> Decision | None:
        """Takes an epoch of a trial; never waits for the oracle.

        Args:
            trial_id: A trial that runs.
            fit: Number of the training within the trial.
            epoch: Number of the epoch within the training.
            metrics: The metrics after it.
            decided: Whether the oracle has nothing to decide: it has, at this epoch, or
                the training ends with it.

        Returns:
            What becomes of the trial; None if `decide` has to say that.

        Raises:
            TypeError: If this is no epoch: see `epochs.checked_epoch`.
            ValueError: If its numbers are out of all proportion.
            UndecidedError: If the oracle does not say which epochs it looks at.
        """
        stop = self.epochs.report(trial_id, fit, epoch, metrics)
        informing.tell_epoch(self._inner, trial_id, fit, epoch, metrics)
        if stop:
            return Decision.STOP
        epochs = epoch + 1
        asks = (
            self._pausing.pauses
            and self.epochs.is_to_be_decided(trial_id, epochs, decided=decided)
            and self._pausing.is_rung(epochs)
        )
        return None if asks else Decision.GO_ON

    def decide(
        self, trial_id: str, fit: int, epoch: int, *, can_pause: bool
    ) -> Decision:
        """Has the oracle decide about a trial after an epoch.

        Args:
            trial_id: The trial.
            fit: Number of the training within the trial.
            epoch: Number of the epoch within the training.
            can_pause: Whether its training can be saved.

        Raises:
            UndecidedError: If the oracle does not say.
        """
        with self._lock, lock_released_on_error(self._inner):
            told = self.epochs.of_training(trial_id, fit)
            objective = self._inner.objective
            if not objective.has_value(dict.fromkeys(told, 0.0)):
                return Decision.GO_ON  # It is scored by something else.
            curve = curve_hearing.best_so_far(objective, [told])
            if not self._open.runs(trial_id) or len(curve) <= epoch:
                return Decision.GO_ON  # Its worker died, and it has started over.
            # One that must run alone would hold up all others while it is paused.
            tries = self._ledger.tries.get(trial_id, Tries())
            can_pause = can_pause and not (
                tries.ran_out or self._open.is_suspect(trial_id)
            )
            curve_hearing.tell_points(self._inner, trial_id, [told])
            decision = self._pausing.decide(trial_id, epoch + 1, curve, can_pause)
            if decision is not Decision.GO_ON:
                self.epochs.stopped_by_oracle(trial_id, fit, epoch)
            return decision

    def pause_trial(self, trial_id: str) -> tuple[int, Tries]:
        """Takes a trial from its worker until the oracle wants it; its training is saved.

        Args:
            trial_id: A trial that runs, and that was told to pause.

        Returns:
            How many epochs it has, and what came of all attempts at it so far.

        Raises:
            SearchError: If it does not run, or was not told that.
            StorageError: If the pause cannot be made durable.
        """
        with self._lock:
            self._open.check_runs(trial_id)
            if not self.epochs.may_pause(trial_id):
                raise SearchError(
                    "Expected a trial that the oracle wants to be paused. Received: "
                    f"{trial_id}. Pause a trial when its epoch is answered so."
                )
            epochs, tries = self._ledger.paused(trial_id)
            self._open.pause(trial_id)
            self._announcer.trial_paused(trial_id, epochs)
            return epochs, copy.deepcopy(tries)

    def paused_trials(self) -> tuple[str, ...]:
        """Ids of the paused trials, the one that has been for longest first."""
        with self._lock:
            return tuple(self._open.paused)

    def take_let_go(self) -> list[str]:
        """The trials that have ended while they were paused, since this was asked last."""
        with self._lock:
            let_go, self._let_go = self._let_go, []
            return let_go

    def listen_to_end(self, listener: Callable[[str], object]) -> None:
        """Has a function called with why the search ends, when the oracle has it end.

        That is before it is durable unless each call commits.
        """
        self._ledger.decisions.listener = listener

    def _next(self, tuner_id: str) -> Any:
        """A trial for a tuner, when those have ended that the oracle has no use for."""
        if not self._open.any_ready:  # Their results may be missing.
            self._end_paused(self._pausing.hopeless(tuple(self._open.paused)))
        trial = self._supply.next(tuner_id)
        if trial.status != _Status.RUNNING:
            self._ledger.nothing_handed_out()
        over = trial.status == _Status.STOPPED and not self._inner.ongoing_trials
        if over and self._open.paused:
            self._end_paused(tuple(self._open.paused))
            return self._supply.next(tuner_id)  # Their results may change the answer.
        return trial

    def _end_paused(self, trial_ids: Iterable[str]) -> None:
        """Ends paused trials as those that a rule stops: their best epoch counts."""
        for trial_id in trial_ids:
            trial = self._inner.trials[trial_id]
            best = best_epochs(self._inner.objective, self.epochs.of_paused(trial_id))
            self._open.claim(trial_id)
            self._let_go.append(trial_id)
            status, message = _Status.COMPLETED, None
            if best is None:
                status = _Status.FAILED
                message = (
                    f"Expected a finite {self._inner.objective.name} after an epoch. "
                    "Received: none, and the trial was not gone on with. Look for a "
                    "learning rate that is too high."
                )
            else:
                trial.metrics = type(trial.metrics)()
                self.update_trial(trial_id, *best)
            # Hyperparameters that its model was built with, and that it found: no worker
            # has told of them, and they had their defaults.
            found = copy.deepcopy(trial.hyperparameters)
            found.merge(self._inner.hyperparameters, overwrite=False)
            ended = trial_lib.Trial(found, trial_id, status, message)
            self.end_trial(ended)
