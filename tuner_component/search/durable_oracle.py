"""An oracle that survives: every KerasTuner oracle, with a journal behind it."""

import logging
import threading
import time
from collections import deque
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_module

from tuner_component.search import faults
from tuner_component.search.display import SearchDisplay
from tuner_component.search.errors import SearchError
from tuner_component.search.failure_limit import FailureLimit
from tuner_component.search.history import History
from tuner_component.search.oracle_facade import OracleFacade
from tuner_component.search.oracle_journal import OracleJournal
from tuner_component.search.oracle_repairs import lock_released_on_error, repair
from tuner_component.search.oracle_restore import identity, restore
from tuner_component.search.oracle_state import OracleState
from tuner_component.search.study import Study, StudyState
from tuner_component.search.trial_codec import SpaceTable

_POINTS = {
    when + kind: faults.declare(f"trial.{kind}.{when.rstrip('_')}", what)
    for kind, when, what in (
        ("created", "before_", "a trial was suggested, its record is not journaled"),
        ("created", "after_", "a new trial is journaled, no worker has it yet"),
        ("ended", "before_", "a trial's result is known, its record not journaled"),
        ("ended", "after_", "a trial's result is journaled, nobody was told"),
        ("attempt", "before_", "an attempt is lost, its record is not journaled"),
        ("attempt", "after_", "a lost attempt is journaled, the trial not retried"),
    )
}

_Status = trial_module.TrialStatus
_log = logging.getLogger(__name__)


class DurableOracle(OracleFacade):
    """Stands in for an oracle and journals what it does before anyone acts on it.

    Has the interface of the oracle it wraps, attributes included, and passes for an
    instance of its class. Calls may come from any thread.

    Opened on a study that was begun before, it puts the oracle where that study was;
    trials that had not ended are handed out first, with the same ids and values.
    """

    __slots__ = (
        "_attempts",
        "_autocommit",
        "_display",
        "_ended",
        "_facts",
        "_journal",
        "_limit",
        "_lock",
        "_study",
        "_waiting",
        "_workers",
    )

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        study: Study,
        *,
        autocommit: bool = True,
        max_failed_trials: int | None = None,
        display: bool = False,
    ) -> None:
        """Wraps an oracle and restores it from the study.

        Args:
            oracle: the user's oracle, as the tuner's constructor left it. It is changed,
                and must not be used on its own any more.
            study: open, and nobody else's.
            autocommit: commit in each call. Otherwise `commit` is the caller's to call,
                for many calls at once, before it tells anybody what they returned.
            max_failed_trials: see `FailureLimit`.
            display: print what KerasTuner prints for each trial.

        Raises:
            StudyMismatchError: the study was made with another oracle or objective.
            StorageError: the journal cannot be written.
        """
        super().__init__(oracle)
        self._lock = threading.RLock()
        self._study = study
        self._autocommit = autocommit
        self._limit = FailureLimit(oracle, max_failed_trials)
        self._display = SearchDisplay(oracle, oracle.verbose if display else 0)
        self._facts: dict[str, dict[str, Any]] = {}
        adopted = list(oracle.start_order)
        history = History.of(study.journal.records())
        state = OracleState(oracle)
        spaces = SpaceTable()
        repair(oracle)
        if history.opened is not None:
            restore(oracle, history, spaces, state)
            adopted = []
        self._journal = OracleJournal(oracle, study.journal, spaces, state, history)
        self._attempts = {i: len(t.attempts) for i, t in history.trials.items()}
        self._workers: dict[str, str] = {}
        self._ended = set(history.end_order)
        self._waiting: deque[str] = deque(history.unfinished())
        for trial_id in oracle.end_order:
            self._count(oracle.trials[trial_id], self._limit.restore)
        if study.state is not StudyState.FINISHED:
            self._begin(adopted)

    # What a tuner and its users call.

    def create_trial(self, tuner_id: str) -> Any:
        """Hands out a trial: see `keras_tuner.Oracle.create_trial`.

        Raises:
            SearchFailedError: too many trials have failed.
            StorageError: the trial cannot be made durable.
        """
        with self._lock:
            if self._study.state is StudyState.FINISHED:
                return trial_module.Trial(self._inner.get_space(), None, "STOPPED")
            if tuner_id in self._inner.ongoing_trials:
                return self._inner.ongoing_trials[tuner_id]
            self._limit.check()
            trial = self._take_waiting(tuner_id) or self._suggest(tuner_id)
            if trial.status == _Status.RUNNING:
                self._workers[trial.trial_id] = tuner_id
                self._display.trial_begins(trial)
            return trial

    def update_trial(
        self, trial_id: str, metrics: dict[str, Any], step: int = 0
    ) -> Any:
        """Takes metrics of a running trial: see `keras_tuner.Oracle.update_trial`.

        Nothing is journaled: until a trial ends, its metrics are its worker's.
        """
        with self._lock, lock_released_on_error(self._inner):
            if trial_id in self._ended:
                return self._inner.trials[trial_id]
            return self._inner.update_trial(trial_id, metrics, step)

    def end_trial(self, trial: Any, status: str = _Status.COMPLETED) -> None:
        """Takes a trial's result: see `keras_tuner.Oracle.end_trial`.

        A trial ends once. Word of a trial that has ended, or whose attempt was given up,
        is dropped with a warning.

        Args:
            trial: the trial, its `status` and `message` set; or just its id.
            status: counts if `trial` is an id.

        Raises:
            SearchFailedError: this was one failed trial too many. It is journaled.
            StorageError: the result cannot be made durable.
        """
        with self._lock:
            trial = self._resolve(trial, status)
            known = self._inner.trials[trial.trial_id]
            if not self._is_ongoing(trial.trial_id):
                _log.warning("Dropping a late result of trial %s.", trial.trial_id)
                return
            with lock_released_on_error(self._inner):
                self._inner.end_trial(trial)
            self._release(trial.trial_id)
            if known.status == _Status.INVALID:
                self._retry(known)
                return
            if known.status != _Status.COMPLETED:
                known.score = None
            self._record_end(known)
            self._count(known, self._limit.record)
            self._limit.check()

    def get_best_trials(self, num_trials: int | None = 1) -> list[Any]:
        """The best trials, best first: see `keras_tuner.Oracle.get_best_trials`.

        Args:
            num_trials: how many at most; all that completed if None.
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
        """How many trials the next calls of `create_trial` will hand out again."""
        return len(self._waiting)

    @property
    def unfinished(self) -> list[str]:
        """Ids of the trials that were created and have not ended."""
        with self._lock:
            return [i for i in self._inner.start_order if i not in self._ended]

    def commit(self) -> None:
        """Makes durable all that happened since the last commit.

        Raises:
            StorageError: it cannot be written; a later commit tries again.
            StudyLockedError: another driver took the study over.
        """
        with self._lock:
            self._study.commit()

    def attempt_lost(self, trial_id: str, reason: str, **facts: Any) -> int:
        """Gives up the running attempt of a trial; the trial is handed out again.

        Args:
            trial_id: a trial that was handed out and has not ended.
            reason: what happened, for people.
            facts: further plain data on it, such as the worker's exit status.

        Returns:
            How many attempts of the trial were lost so far, this one included.
        """
        with self._lock:
            trial = self._inner.trials[trial_id]
            self._release(trial_id)
            return self._record_attempt(trial, reason=reason, **facts)

    def fail_trial(self, trial_id: str, message: str) -> None:
        """Ends a trial as failed, for good.

        Args:
            trial_id: a trial that has not ended, whether a worker has it or not.
            message: what happened, for people.

        Raises:
            SearchFailedError: this was one failed trial too many. It is journaled.
        """
        with self._lock:
            trial = self._inner.trials[trial_id]
            if trial_id in self._waiting:
                self._waiting.remove(trial_id)
                self._inner.ongoing_trials[f"gone-{trial_id}"] = trial
            trial.status, trial.message = _Status.FAILED, message
            self.end_trial(trial)

    def note(self, trial_id: str, **facts: Any) -> None:
        """Keeps plain data with a trial (its seeds, its log): journaled when it ends."""
        with self._lock:
            self._facts.setdefault(trial_id, {}).update(facts)

    def finish(self) -> None:
        """Declares the search complete, once `create_trial` has said so.

        Raises:
            SearchFailedError: not one trial completed.
        """
        with self._lock:
            trials = self._inner.trials.values()
            if not any(trial.status == _Status.COMPLETED for trial in trials):
                raise self._limit.error(
                    "Expected at least one trial to complete",
                    f"Mend their cause and remove the study {self._study.directory}",
                )
            self._study.mark_finished()

    # How it is done.

    def _begin(self, adopted: list[str]) -> None:
        """Journals that the oracle was opened, and what that means for its trials."""
        told = identity(self._inner)
        seed = self._inner.seed
        self._journal.append("opened", time=time.time(), seed=seed, **told)
        for trial_id in adopted:
            # Trials that the user's tuner reloaded from files of KerasTuner's own.
            trial = self._inner.trials[trial_id]
            self._journal.append_trial("created", trial, time=time.time())
            if trial_id in self._inner.end_order:
                self._record_end(trial, commit=False)
        for trial_id in self._waiting:
            trial = self._inner.trials[trial_id]
            self._attempts[trial_id] = self._attempts.get(trial_id, 0) + 1
            reason = "the search was interrupted"
            self._journal.append("attempt", trial=trial_id, reason=reason)
        self._waiting.extend(i for i in adopted if i not in self._ended)
        self._inner._retry_queue.clear()
        self._study.commit()

    def _suggest(self, tuner_id: str) -> Any:
        inner = self._inner
        with lock_released_on_error(inner):
            trial = inner.create_trial(tuner_id)
        if trial.status == _Status.RUNNING:
            faults.point(_POINTS["before_created"])
            now = time.time()
            self._journal.append_trial("created", trial, worker=tuner_id, time=now)
            self._commit_if_auto()
            faults.point(_POINTS["after_created"])
        return trial

    def _take_waiting(self, tuner_id: str) -> Any:
        if not self._waiting:
            return None
        trial = self._inner.trials[self._waiting.popleft()]
        trial.status = _Status.RUNNING
        trial.message = trial.score = None
        # What the attempt before reported must not be averaged into this one's.
        trial.metrics = type(trial.metrics)()
        self._inner.ongoing_trials[tuner_id] = trial
        return trial

    def _retry(self, trial: Any) -> None:
        """Queues a trial that failed and that the user's oracle wants to see again."""
        self._inner._retry_queue.clear()
        reason = trial.message or "the trial was invalid"
        self._record_attempt(trial, reason=reason, failed=True)

    def _record_attempt(self, trial: Any, **content: Any) -> int:
        trial_id = trial.trial_id
        faults.point(_POINTS["before_attempt"])
        worker = self._workers.pop(trial_id, None)
        self._journal.append(
            "attempt", trial=trial_id, worker=worker, time=time.time(), **content
        )
        self._commit_if_auto()
        faults.point(_POINTS["after_attempt"])
        self._attempts[trial_id] = self._attempts.get(trial_id, 0) + 1
        self._waiting.append(trial_id)
        return self._attempts[trial_id]

    def _record_end(self, trial: Any, commit: bool = True) -> None:
        trial_id = trial.trial_id
        faults.point(_POINTS["before_ended"])
        self._ended.add(trial_id)
        self._journal.append_trial(
            "ended",
            trial,
            status=trial.status,
            score=trial.score,
            best_step=trial.best_step,
            metrics=trial.metrics.get_config(),
            message=trial.message,
            worker=self._workers.pop(trial_id, None),
            attempts=1 + self._attempts.get(trial_id, 0),
            ended=time.time(),
            facts=self._facts.pop(trial_id, {}),
        )
        if commit:
            self._commit_if_auto()
        faults.point(_POINTS["after_ended"])
        self._display.trial_ended(trial)

    def _commit_if_auto(self) -> None:
        if self._autocommit:
            self._study.commit()

    def _count(self, trial: Any, count: Any) -> None:
        count(trial.status != _Status.COMPLETED, trial.message)

    def _resolve(self, trial: Any, status: str) -> Any:
        """The trial meant, whose id must be one that was handed out."""
        trial_id = trial if isinstance(trial, str) else trial.trial_id
        if trial_id not in self._inner.trials:
            raise SearchError(
                "Expected a trial that create_trial returned. "
                f"Received: the trial id {trial_id!r}. Pass that trial itself."
            )
        if isinstance(trial, str):
            known = self._inner.trials[trial_id]
            trial = trial_module.Trial(known.hyperparameters, trial_id, status)
        return trial

    def _is_ongoing(self, trial_id: str) -> bool:
        ongoing = self._inner.ongoing_trials.values()
        return any(trial.trial_id == trial_id for trial in ongoing)

    def _release(self, trial_id: str) -> None:
        ongoing = self._inner.ongoing_trials
        for tuner_id in [
            t for t, trial in ongoing.items() if trial.trial_id == trial_id
        ]:
            del ongoing[tuner_id]
