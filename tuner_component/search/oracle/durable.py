"""An oracle that survives: any KerasTuner oracle, with a journal behind it."""

import collections
import logging
import threading
import time
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.oracle import trials
from tuner_component.search.oracle.display import SearchDisplay
from tuner_component.search.oracle.facade import OracleFacade
from tuner_component.search.oracle.failure_limit import FailureLimit
from tuner_component.search.oracle.ledger import TrialLedger
from tuner_component.search.oracle.open_trials import OpenTrials
from tuner_component.search.oracle.recorder import OracleJournal
from tuner_component.search.oracle.repairs import lock_released_on_error, repair
from tuner_component.search.oracle.restore import restore
from tuner_component.search.oracle.shape import explain_change, shape_of
from tuner_component.search.oracle.spaces import SpaceTable
from tuner_component.search.oracle.state import OracleState
from tuner_component.search.stopping.curves import EpochBook
from tuner_component.search.study.history import History
from tuner_component.search.study.study import Study

_Status = trial_lib.TrialStatus
_log = logging.getLogger(__name__)

# An oracle that takes longer for its suggestions has a model, and is asked for one ahead.
# Another had better know one result more.
SLOW_S = 0.005


class DurableOracle(OracleFacade):
    """Stands in for an oracle, and journals what it does before anyone acts on it.

    Has the interface of the oracle it wraps, attributes included, and passes for an
    instance of its class. Calls may come from any thread.

    Opened on a study that was begun before, it puts the oracle where that study was;
    trials that had not ended are handed out first, with the same ids and values.

    Attributes:
        epochs: Takes what trials report after each epoch; never waits for a suggestion.
    """

    __slots__ = (
        "_autocommit",
        "_display",
        "_ledger",
        "_limit",
        "_lock",
        "_open",
        "_study",
        "_thoughts",
        "epochs",
    )

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        study: Study,
        *,
        autocommit: bool = True,
        max_failed_trials: int | None = None,
        epochs: EpochBook | None = None,
        display: bool = False,
    ) -> None:
        """Wraps an oracle and restores it from the study.

        Args:
            oracle: The user's oracle, as the tuner's constructor left it. It is changed,
                and must not be used on its own any more.
            study: Open.
            autocommit: Commit in each call. Otherwise `commit` is the caller's to call,
                for many calls at once, before telling anybody what they returned.
            max_failed_trials: How many trials may fail: see `FailureLimit`.
            epochs: Fresh; a new one if None.
            display: Print for each trial what KerasTuner prints.

        Raises:
            StudyMismatchError: If the study was made with another oracle or objective.
            StorageError: If the journal cannot be written.
        """
        super().__init__(oracle)
        self._lock = threading.RLock()
        self._study = study
        self._autocommit = autocommit
        self._limit = FailureLimit(oracle, max_failed_trials)
        self._display = SearchDisplay(oracle, oracle.verbose if display else 0)
        repair(oracle)
        spaces, state = SpaceTable(), OracleState(oracle)
        shape = shape_of(oracle)
        history = restore(oracle, study.journal.records(), spaces, state, shape)
        if changed := explain_change(shape, history, study):
            _log.warning("%s", changed)
        journal = OracleJournal(oracle, study.journal, spaces, state, history)
        self.epochs = epochs or EpochBook()
        self.epochs.restore(history)
        self._ledger = TrialLedger(journal, history, self.epochs, self._commit_if_auto)
        self._open = OpenTrials(oracle, history.unfinished())
        self._thoughts = collections.deque([0.0], maxlen=2)
        if not study.is_finished:
            self._begin(journal, history, shape)
        for trial_id in oracle.end_order:
            self._limit.restore(oracle.trials[trial_id])
            self._display.note(oracle.trials[trial_id])

    # What a tuner and its users call.

    def create_trial(self, tuner_id: str) -> Any:
        """Hands out a trial: see `keras_tuner.Oracle.create_trial`.

        Raises:
            SearchFailedError: If too many trials have failed.
            StorageError: If the trial cannot be made durable.
        """
        with self._lock:
            if self._study.is_finished:
                return trial_lib.Trial(self._inner.get_space(), "", _Status.STOPPED)
            if tuner_id in self._inner.ongoing_trials:
                return self._inner.ongoing_trials[tuner_id]
            self._limit.check()
            trial = self._open.take(tuner_id) or self._suggest(tuner_id, tuner_id)
            if trial.status == _Status.RUNNING:
                self._ledger.handed_out(trial.trial_id, tuner_id)
                self._display.trial_begins(trial)
            return trial

    def update_trial(
        self, trial_id: str, metrics: dict[str, Any], step: int = 0
    ) -> Any:
        """Takes metrics of a running trial: see `keras_tuner.Oracle.update_trial`.

        Nothing is journaled: an interrupted trial reports them again. Word of a trial
        that does not run any more changes nothing.
        """
        with self._lock, lock_released_on_error(self._inner):
            if not self._open.runs(self._open.known(trial_id)):
                return self._inner.trials[trial_id]
            return self._inner.update_trial(trial_id, metrics, step)

    def end_trial(self, trial: Any, status: str = _Status.COMPLETED) -> None:
        """Takes a trial's result: see `keras_tuner.Oracle.end_trial`.

        A trial ends once. Word of one that has ended, or whose attempt was given up, is
        dropped with a warning.

        Args:
            trial: The trial, its `status` and `message` set; or just its id.
            status: Counts if `trial` is an id.

        Raises:
            SearchFailedError: If this was one failed trial too many. It is journaled.
            StorageError: If the result cannot be made durable.
        """
        with self._lock:
            if isinstance(trial, str):
                space = self._inner.trials[self._open.known(trial)].hyperparameters
                trial = trial_lib.Trial(space, trial, status)
            trial_id = self._open.known(trial.trial_id)
            if not self._open.runs(trial_id):
                _log.warning("Dropping late word of trial %s.", trial_id)
                return
            with lock_released_on_error(self._inner):
                self._inner.end_trial(trial)
            self._open.release(trial_id)
            self._settle_end(self._inner.trials[trial_id])

    def get_best_trials(self, num_trials: int | None = 1) -> list[Any]:
        """The best trials, best first: see `keras_tuner.Oracle.get_best_trials`.

        Args:
            num_trials: How many at most; all that completed if None.
        """
        with self._lock:
            if num_trials is not None:
                best: list[Any] = self._inner.get_best_trials(num_trials)
                return best
            every = self._inner.get_best_trials(len(self._inner.trials))
            return [trial for trial in every if trial.status == _Status.COMPLETED]

    @property
    def verbose(self) -> int | str:
        """Whether trials are shown: 0 for no."""
        return self._display.verbose

    @verbose.setter
    def verbose(self, value: int | str) -> None:
        self._display.verbose = value

    def save(self) -> None:
        """Nothing: what happens is journaled as it happens."""

    def reload(self) -> None:
        """Nothing: the constructor restored the oracle."""

    # What a driver calls beside that.

    @property
    def waiting(self) -> int:
        """How many trials exist that the next calls of `create_trial` will hand out."""
        return len(self._open.waiting)

    @property
    def unfinished(self) -> list[str]:
        """Ids of the trials that were created and have not ended: running or waiting."""
        with self._lock:
            return self._open.ids

    def look_ahead(self) -> bool:
        """Has a trial wait for whoever asks next, if its suggestion would take long.

        It is a trial like any other: it counts, it survives a crash, and runs once.

        Returns:
            Whether one waits.

        Raises:
            StorageError: If the trial cannot be made durable.
        """
        with self._lock:
            going_on = not self._study.is_finished
            # Once may be chance.
            slow = min(self._thoughts) > SLOW_S
            if going_on and slow and not self._open.waiting:
                trial = self._suggest("nobody yet", None)
                if trial.status == _Status.RUNNING:
                    self._open.release(trial.trial_id, waits=True)
            return bool(self._open.waiting)

    def commit(self) -> None:
        """Makes durable all that happened since the last commit.

        Raises:
            StorageError: If it cannot be written; a later commit tries again.
            StudyLockedError: If another driver took the study over.
        """
        with self._lock:
            self._study.commit()

    def attempt_lost(self, trial_id: str, reason: str, **facts: Any) -> int:
        """Gives up the running attempt of a trial; the trial is handed out again.

        Args:
            trial_id: A trial that was handed out and has not ended.
            reason: What happened, for people.
            facts: Further plain data on it, such as the worker's exit status.

        Returns:
            How many attempts of the trial were lost so far, this one included.

        Raises:
            SearchError: If nobody runs that trial.
        """
        with self._lock:
            self._open.check_runs(trial_id)
            lost = self._ledger.attempt_lost(trial_id, reason, **facts)
            self._open.release(trial_id, waits=True)
            return lost

    def fail_trial(self, trial_id: str, message: str) -> None:
        """Ends a trial as failed, for good.

        Args:
            trial_id: A trial that has not ended, whether a worker has it or not.
            message: What happened, for people.

        Raises:
            SearchFailedError: If this was one failed trial too many. It is journaled.
        """
        with self._lock:
            known = self._inner.trials[self._open.known(trial_id)]
            self._open.claim(trial_id)
            space = known.hyperparameters
            self.end_trial(trial_lib.Trial(space, trial_id, _Status.FAILED, message))

    def note(self, trial_id: str, **notes: Any) -> None:
        """Keeps plain data with a trial (its seeds, its log), journaled when it ends."""
        with self._lock:
            self._ledger.note(self._open.known(trial_id), notes)

    def finish(self) -> None:
        """Declares the search complete, once `create_trial` has said so.

        Raises:
            SearchFailedError: If not one trial completed.
        """
        with self._lock:
            known = self._inner.trials.values()
            if not any(trial.status == _Status.COMPLETED for trial in known):
                raise self._limit.none_completed(self._study.directory)
            self._study.mark_finished()

    # How it is done.

    def _begin(
        self, journal: OracleJournal, history: History, shape: dict[str, Any]
    ) -> None:
        """Journals that the search was opened, and what that means for its trials."""
        journal.append("opened", time=time.time(), seed=self._inner.seed, **shape)
        for trial_id in self._open.waiting:
            if history.trials[trial_id].runs:  # For all that is known.
                reason = "the search was interrupted"
                self._ledger.attempt_lost(trial_id, reason, interrupted=True)
        if history.is_empty():
            self._adopt()
        self._study.commit()

    def _adopt(self) -> None:
        """Takes up trials that the user's tuner reloaded from KerasTuner's own files."""
        inner = self._inner
        for trial_id in inner.start_order:
            self._ledger.created(inner.trials[trial_id])
            if trial_id in inner.end_order:
                self._ledger.end(inner.trials[trial_id])
            else:
                self._open.waiting.append(trial_id)
        inner._retry_queue.clear()

    def _suggest(self, tuner_id: str, worker: str | None) -> Any:
        """Has the inner oracle create a trial, for a worker or ahead."""
        before = time.monotonic()
        with lock_released_on_error(self._inner):
            trial = self._inner.create_trial(tuner_id)
        if trial.status == _Status.RUNNING:
            self._thoughts.append(time.monotonic() - before)
            self._ledger.created(trial, worker)
        return trial

    def _settle_end(self, trial: Any) -> None:
        """Journals what the inner oracle made of the end of a trial."""
        if trial.status == _Status.INVALID:  # The user's oracle wants it run again.
            self._inner._retry_queue.clear()
            reason = trial.message or "the trial was invalid"
            self._ledger.attempt_lost(trial.trial_id, reason, failed=True)
            self._open.waiting.append(trial.trial_id)
            return
        trials.settle_score(trial)
        self._ledger.end(trial)
        self._limit.record(trial)
        self._display.trial_ended(trial)
        self._limit.check()

    def _commit_if_auto(self) -> None:
        if self._autocommit:
            self._study.commit()
