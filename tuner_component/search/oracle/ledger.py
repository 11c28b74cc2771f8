"""What happens to trials, journaled and counted."""

import time
from collections.abc import Callable
from typing import Any

from tuner_component.search.oracle.recorder import OracleJournal
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.storage import faults
from tuner_component.search.study.history import History

_CREATED_BEFORE = faults.declare(
    "trial.created.before", "a trial was suggested, its record is not journaled"
)
_CREATED_AFTER = faults.declare(
    "trial.created.after", "a new trial is journaled, no worker has it yet"
)
_ENDED_BEFORE = faults.declare(
    "trial.ended.before", "a trial's result is known, its record is not journaled"
)
_ENDED_AFTER = faults.declare(
    "trial.ended.after", "a trial's result is journaled, nobody has been told"
)
_ATTEMPT_BEFORE = faults.declare(
    "trial.attempt.before", "an attempt is lost, its record is not journaled"
)
_ATTEMPT_AFTER = faults.declare(
    "trial.attempt.after", "a lost attempt is journaled, the trial not handed out again"
)


class TrialLedger:
    """Keeps the books of one study's trials.

    Attributes:
        ended: Ids of the trials that have ended.
    """

    def __init__(
        self,
        journal: OracleJournal,
        history: History,
        epochs: LearningCurves,
        settle: Callable[[], None],
    ) -> None:
        """Goes on where a history ends.

        Args:
            journal: Takes the records.
            history: What it tells so far.
            epochs: What trials that run reported after each epoch.
            settle: Called when a record has been appended, to commit it or not.
        """
        self.ended = set(history.end_order)
        self._journal = journal
        self._epochs = epochs
        self._settle = settle
        self._lost = {i: len(t.attempts) for i, t in history.trials.items()}
        running = {i: t for i, t in history.trials.items() if t.runs}
        self._workers = {i: t.worker for i, t in running.items()}
        self._started = {i: t.started for i, t in running.items()}
        self._notes: dict[str, dict[str, Any]] = {}

    def note(self, trial_id: str, notes: dict[str, Any]) -> None:
        """Keeps plain data until the trial's end is journaled."""
        self._notes.setdefault(trial_id, {}).update(notes)

    def handed_out(self, trial_id: str, worker: str) -> None:
        """Takes note of who runs a trial."""
        self._epochs.begin(trial_id)
        if trial_id in self._workers:
            return  # The record of its creation tells.
        self._workers[trial_id] = worker
        self._started[trial_id] = time.time()
        self._journal.append(
            "began", trial=trial_id, worker=worker, time=self._started[trial_id]
        )
        self._settle()

    def created(self, trial: Any, worker: str | None = None) -> None:
        """Journals a new trial.

        Args:
            trial: The trial.
            worker: Who is about to run it; None if nobody is yet.
        """
        faults.point(_CREATED_BEFORE)
        now = time.time()
        if worker is not None:
            self._workers[trial.trial_id], self._started[trial.trial_id] = worker, now
        self._journal.append_trial("created", trial, time=now, worker=worker)
        self._settle()
        faults.point(_CREATED_AFTER)

    def attempt_lost(self, trial_id: str, reason: str, **content: Any) -> int:
        """Journals an attempt that came to nothing; returns how many that makes."""
        faults.point(_ATTEMPT_BEFORE)
        self._journal.append(
            "attempt",
            trial=trial_id,
            reason=reason,
            worker=self._workers.pop(trial_id, None),
            started=self._started.pop(trial_id, None),
            time=time.time(),
            **content,
        )
        self._settle()
        faults.point(_ATTEMPT_AFTER)
        self._lost[trial_id] = self._lost.get(trial_id, 0) + 1
        return self._lost[trial_id]

    def end(self, trial: Any) -> None:
        """Journals a trial's end."""
        faults.point(_ENDED_BEFORE)
        trial_id = trial.trial_id
        self.ended.add(trial_id)
        self._journal.append_trial(
            "ended",
            trial,
            status=trial.status,
            score=trial.score,
            best_step=trial.best_step,
            metrics=trial.metrics.get_config(),
            message=trial.message,
            worker=self._workers.pop(trial_id, None),
            started=self._started.pop(trial_id, None),
            attempts=1 + self._lost.get(trial_id, 0),
            ended=time.time(),
            notes=self._notes.pop(trial_id, {}),
            **self._epochs.end(trial_id, trial.status),
        )
        self._settle()
        faults.point(_ENDED_AFTER)
