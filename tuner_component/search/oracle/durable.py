"""An oracle that survives: any KerasTuner oracle, with a journal behind it."""

import copy
import logging
import threading
from collections.abc import Iterable
from typing import Any, TypeVar

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search import events
from tuner_component.search.kerastuner.repairs import lock_released_on_error, repair
from tuner_component.search.oracle import informing, trials
from tuner_component.search.oracle.announcements import Announcer
from tuner_component.search.oracle.failures import FailureLimit, Tries
from tuner_component.search.oracle.ledger import TrialLedger
from tuner_component.search.oracle.pausing import PausingOracle
from tuner_component.search.oracle.reruns import RerunOracle
from tuner_component.search.oracle.restore import restore
from tuner_component.search.oracle.steering import SteerableOracle, Steering
from tuner_component.search.oracle.supply import Supply
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.study.study import Study

# Python 3.10 has no `typing.Self`.
_Durable = TypeVar("_Durable", bound="DurableOracle")
_Status = trial_lib.TrialStatus
_log = logging.getLogger(__name__)


class DurableOracle(SteerableOracle):
    """Stands in for an oracle, and journals what it does before anyone acts on it.

    Has the interface of the oracle it wraps, attributes included, and passes for an
    instance of its class. Calls may come from any thread.

    Opened on a study that exists, it puts the oracle where that study was; trials that
    had not ended are handed out first, with the same ids and values.
    """

    __slots__ = ("_limit", "_max_retries")

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        study: Study,
        ledger: TrialLedger,
        epochs: LearningCurves,
        limit: FailureLimit,
        announcer: Announcer,
        waiting: Iterable[str],
        paused: Iterable[str],
        max_retries: int | None,
        reruns: RerunOracle,
        steering: Steering,
    ) -> None:
        """Wraps an oracle that is where its study is: see `open`."""
        super().__init__(oracle)
        self._lock = threading.RLock()
        self._study = study
        self._ledger = ledger
        self.epochs = epochs
        self._limit = limit
        self._announcer = announcer
        self._max_retries = max_retries
        self._let_go: list[str] = []
        self._pausing, self.ranking = PausingOracle(oracle), announcer.ranking
        self._open = trials.OpenTrials(
            oracle,
            waiting,
            lambda trial_id: ledger.is_suspect(trial_id, max_retries),
            paused,
            reruns.trials,
        )
        self._reruns, self._steering = reruns, steering
        self._supply = Supply(
            *(oracle, ledger, self._open, self._pausing, reruns, steering.enqueued)
        )

    @classmethod
    def open(  # noqa: PYI019
        cls: type[_Durable],
        oracle: keras_tuner.Oracle,
        study: Study,
        *,
        autocommit: bool = True,
        max_failed_trials: int | None = None,
        max_retries: int | None = None,
        epochs: LearningCurves | None = None,
        confirm_top: int = 0,
        confirm_seeds: int = 3,
        display: bool = False,
        observer: events.Observer | None = None,
    ) -> _Durable:
        """Repairs an oracle, restores it from a study, and wraps it.

        Args:
            oracle: The user's oracle, as the tuner's constructor left it. It is changed,
                and must not be used on its own any more.
            study: Open. It is told that the search goes on, unless it is finished.
            autocommit: Commit in each call. Otherwise `commit` is the caller's to call,
                for many calls at once, before anyone is told what they returned.
            max_failed_trials: How many trials may fail: see `FailureLimit`.
            max_retries: How many attempts of a trial may be lost, in this run and those
                before, until it gets its last chance: see `failures`. None for any
                number.
            epochs: Fresh; a new one if None.
            confirm_top: How many of the best trials are run again when the search is over.
            confirm_seeds: How often each of them is, each time with another seed.
            display: Print for each trial what KerasTuner prints.
            observer: Told what happens to trials from now on, as soon as it is
                journaled. That is before it is durable unless each call commits.

        Raises:
            StudyMismatchError: If the study was made with another oracle or objective.
            StorageError: If the journal cannot be written.
        """
        limit = FailureLimit(oracle, max_failed_trials)
        epochs = epochs or LearningCurves()
        # Before `repair`, which silences the oracle itself.
        loud = oracle.verbose if display else 0
        announcer = Announcer(oracle, loud, observer, epochs.goals)
        repair(oracle)
        restored = restore(oracle, study)
        epochs.restore(restored.history)
        ledger = TrialLedger(oracle, study, restored, epochs, autocommit=autocommit)
        waiting = restored.history.unfinished()
        if not study.is_finished:
            waiting += ledger.opened(restored)
        for trial_id in oracle.end_order:
            limit.restore(oracle.trials[trial_id])
            announcer.note(oracle.trials[trial_id])
        epochs.listener = announcer.epoch_ended
        paused = restored.history.paused()
        return cls(
            oracle,
            *(study, ledger, epochs, limit, announcer),
            *(waiting, paused, max_retries),
            RerunOracle(oracle, restored, confirm_top, confirm_seeds),
            Steering(oracle, restored.history, study, epochs),
        )

    # What a tuner and its users call.

    def create_trial(self, tuner_id: str) -> Any:
        """Hands out a trial: see `keras_tuner.Oracle.create_trial`.

        Raises:
            SearchFailedError: If too many trials have failed.
            StorageError: If the trial cannot be made durable.
        """
        with self._lock:
            if self._study.is_finished:
                return self._supply.nothing(_Status.STOPPED)
            if tuner_id in self._inner.ongoing_trials:
                # Processes that train one model together ask under one id.
                return self._inner.ongoing_trials[tuner_id]
            self._limit.check()
            trial = self._next(tuner_id)
            if trial.status == _Status.RUNNING:
                last = self._open.is_suspect(trial.trial_id)
                self._ledger.handed_out(trial.trial_id, tuner_id, last=last)
                self._announcer.trial_started(trial, tuner_id)
            return trial

    def update_trial(
        self, trial_id: str, metrics: dict[str, Any], step: int = 0
    ) -> Any:
        """Takes metrics of a running trial: see `keras_tuner.Oracle.update_trial`.

        Nothing is journaled: an interrupted trial reports them again. A report of a
        trial that does not run any more changes nothing.
        """
        owner = self._owner(trial_id)
        with self._lock, lock_released_on_error(owner):
            if not self._open.runs(self._open.known(trial_id)):
                return owner.trials[trial_id]
            return owner.update_trial(trial_id, metrics, step)

    def end_trial(self, trial: Any, status: str = _Status.COMPLETED) -> None:
        """Takes a trial's result: see `keras_tuner.Oracle.end_trial`.

        A trial ends once. A report of one that has ended, or whose attempt was given up,
        is dropped with a warning.

        Args:
            trial: The trial, its `status` and `message` set; or just its id.
            status: Counts if `trial` is an id.

        Raises:
            SearchFailedError: If this was one failed trial too many. It is journaled.
            StorageError: If the result cannot be made durable.
        """
        with self._lock:
            if isinstance(trial, str):
                space = self._open.find(trial).hyperparameters
                trial = trial_lib.Trial(space, trial, status)
            trial_id = self._open.known(trial.trial_id)
            if not self._open.runs(trial_id):
                _log.warning("Dropping late word of trial %s.", trial_id)
                return
            owner = self._owner(trial_id)
            with lock_released_on_error(owner):
                owner.end_trial(trial)
            self._open.release(trial_id)
            self._settle_end(owner.trials[trial_id], owner)

    @property
    def verbose(self) -> int | str:
        """Whether trials are shown: 0 for no."""
        return self._announcer.verbose

    @verbose.setter
    def verbose(self, value: int | str) -> None:
        self._announcer.verbose = value

    def save(self) -> None:
        """Nothing: what happens is journaled as it happens."""

    def reload(self) -> None:
        """Nothing: `open` restored the oracle."""

    # What runs the search calls, too.

    @property
    def looks_ahead(self) -> bool:
        """Whether `look_ahead` does anything."""
        return self._supply.is_slow or self._open.any_ready

    def look_ahead(self) -> bool:
        """Has a trial wait for who asks next, if suggesting takes long; tells if one does.

        It is a trial like any other: it counts, it survives a crash, and runs once.

        Raises:
            StorageError: If the trial cannot be made durable.
        """
        with self._lock:
            return not self._study.is_finished and self._supply.look_ahead()

    def commit(self) -> None:
        """Makes durable all that happened since the last commit.

        Raises:
            StorageError: If it cannot be written; a later commit tries again.
            StudyLockedError: If another driver took the study over.
        """
        with self._lock:
            self._study.commit()
            informing.tell_committed(self._inner)

    def require_study(self) -> None:
        """Raises if the study is known to be lost; cheap, from any thread.

        Raises:
            StudyLockedError: It was moved or removed, or another driver took it over.
        """
        self._study.require_lock()

    def attempt_lost(self, trial_id: str, reason: str, **how: bool) -> Tries:
        """Gives up the running attempt of a trial; the trial is handed out again.

        Args:
            trial_id: A trial that was handed out and has not ended.
            reason: What happened, for people.
            how: What decides if it counts against the trial: see `Tries.note`.

        Returns:
            What came of all attempts at the trial so far, this one included.

        Raises:
            SearchError: If no worker runs that trial.
        """
        with self._lock:
            self._open.check_runs(trial_id)
            tries = self._ledger.attempt_lost(trial_id, reason, **how)
            first = how.get("out_of_memory", False)
            self._open.release(trial_id, waits=True, goes_first=first)
            self._announcer.attempt_lost(trial_id, reason)
            return copy.deepcopy(tries)

    def fail_trial(self, trial_id: str, message: str) -> None:
        """Ends a trial as failed, for good.

        Args:
            trial_id: A trial that has not ended, whether a worker has it or not.
            message: What happened, for people.

        Raises:
            SearchFailedError: If this was one failed trial too many. It is journaled.
        """
        with self._lock:
            space = self._open.find(trial_id).hyperparameters
            self._open.claim(trial_id)
            self.end_trial(trial_lib.Trial(space, trial_id, _Status.FAILED, message))

    def attempts_so_far(self) -> dict[str, Tries]:
        """What came of them, by the trials that have not ended."""
        with self._lock:
            return copy.deepcopy(self._ledger.tries)

    def given_up(self) -> dict[str, str]:
        """The trials that have no attempt left, and why: to be ended by `fail_trial`."""
        with self._lock:
            return self._ledger.given_up(self._max_retries)

    def excuse(self, trial_ids: Iterable[str] | None = None) -> None:
        """The search is about to end, and trials that run are not to blame for that.

        Args:
            trial_ids: Which; all that run if None.

        Raises:
            StorageError: If that cannot be made durable.
        """
        with self._lock:
            running = [t.trial_id for t in self._inner.ongoing_trials.values()]
            which = running if trial_ids is None else trial_ids
            if excused := [trial_id for trial_id in which if trial_id in running]:
                self._ledger.stopping(excused)

    def note(self, trial_id: str, **notes: Any) -> None:
        """Keeps plain data with a trial (its seeds, its log), journaled when it ends."""
        with self._lock:
            self._ledger.note(self._open.known(trial_id), notes)

    def finish(self) -> None:
        """Declares the search complete, once `create_trial` has said so.

        Raises:
            SearchFailedError: If not one trial completed.
            SearchStoppedError: The same, and somebody has ended the search before.
        """
        with self._lock:
            informing.tell_concluded(self._inner)
            if not (done := trials.completed_ids(self._inner)):
                self.require_result()
                raise self._limit.none_completed(self._study.directory)
            completed = [*done, *trials.completed_ids(self._reruns)]
            self._study.mark_finished(completed, self.ended_by)

    # How it is done.

    def _settle_end(self, trial: Any, owner: Any) -> None:
        """Journals what its oracle made of the end of a trial."""
        if trial.status == _Status.INVALID:  # The user's oracle wants it run again.
            # From its own queue KerasTuner would hand it out past the journal.
            owner._retry_queue.clear()
            reason = trial.message or "the trial was invalid"
            self._ledger.attempt_lost(trial.trial_id, reason, failed=True)
            self._open.waiting.append(trial.trial_id)
            self._announcer.attempt_lost(trial.trial_id, reason)
            return
        trials.settle_score(trial)
        self._ledger.end(trial)
        if owner is self._inner:
            self._limit.record(trial)
        self._announcer.trial_ended(trial)  # Even if it ends the search.
        self._limit.check()
