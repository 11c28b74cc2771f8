"""What happens to an oracle's trials, written down for good: the ledger.

The ledger knows what a record means, and writes it together with what changed in the
oracle's state. It is the only writer; `study.journal` keeps records durable and does not
know what they mean, and `study.history` reads them back as plain data.
"""

import time
from typing import Any

import keras_tuner

from tuner_component.search.oracle import informing, reruns
from tuner_component.search.oracle.decisions import Decisions
from tuner_component.search.oracle.failures import Tries
from tuner_component.search.oracle.records import Records
from tuner_component.search.oracle.restore import Restored
from tuner_component.search.stopping import curve_hearing
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.storage import faults
from tuner_component.search.study.confirmation import Plan
from tuner_component.search.study.history import is_number
from tuner_component.search.study.requests import Request
from tuner_component.search.study.study import Study
from tuner_component.search.training import checkpoint_files

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
    "trial.ended.after", "a trial's result is journaled, no one has been told"
)
_ATTEMPT_BEFORE = faults.declare(
    "trial.attempt.before", "an attempt is lost, its record is not journaled"
)
_PAUSED_BEFORE = faults.declare(
    "trial.paused.before", "a trial is saved and pauses, its record is not journaled"
)
_PAUSED_AFTER = faults.declare(
    "trial.paused.after", "a pause is journaled, its worker has not been told"
)
_ASKED_BEFORE = faults.declare(
    "request.asked.before", "a request was read, it is not journaled"
)
_ASKED_AFTER = faults.declare(
    "request.asked.after", "a request is journaled, perhaps not yet durable"
)
_ATTEMPT_AFTER = faults.declare(
    "trial.attempt.after", "a lost attempt is journaled, the trial not handed out again"
)


class TrialLedger:
    """Keeps the books of one study's trials.

    Attributes:
        tries: What came of attempts so far, by the trials that have not ended.
        decisions: What the oracle says of its search.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        study: Study,
        restored: Restored,
        epochs: LearningCurves,
        *,
        autocommit: bool,
    ) -> None:
        """Goes on where a study ends.

        Args:
            oracle: Restored from the study.
            study: Takes the records.
            restored: What the study tells so far.
            epochs: What trials that run reported after each epoch.
            autocommit: Whether each record is committed at once.
        """
        self._oracle = oracle
        self._study = study
        self._records = Records(oracle, study.journal, restored)
        self._epochs = epochs
        self._autocommit = autocommit
        # Each result tells what is best: the record of the beginning may be lost.
        shape = restored.shape
        self._objective = [shape["objective_name"], shape["direction"]]
        self._goals = epochs.goals.to_json() if epochs.goals else {}
        self._known = set(oracle.trials)
        self.decisions = Decisions(oracle, self._records, restored.history)
        known = {**restored.history.trials, **restored.history.reruns}
        self.tries = {
            i: Tries.of(t.attempts) for i, t in known.items() if t.ended is None
        }
        for trial_id in restored.history.end_order:
            curve_hearing.tell(oracle, trial_id, known[trial_id].ended or {})
        for trial_id in restored.history.paused():
            curve_hearing.tell(oracle, trial_id, known[trial_id].pause or {})
        running = {i: t for i, t in known.items() if t.runs}
        self._workers = {i: t.worker for i, t in running.items()}
        self._started = {i: t.started for i, t in running.items()}
        self._notes: dict[str, dict[str, Any]] = {
            i: dict(pause.get("notes", {}))
            for i, t in known.items()
            if (pause := t.pause)
        }

    def opened(self, restored: Restored) -> list[str]:
        """Journals that the search goes on, and what that means for its trials.

        Returns:
            Ids of unfinished trials that the study did not know before.
        """
        seed = self._oracle.seed
        shape = {**restored.shape, **_flags(goals=self._goals)}
        self._records.append("opened", time=time.time(), seed=seed, **shape)
        history = restored.history
        every = {**history.trials, **history.reruns}
        for trial_id in (*history.unfinished(), *history.unfinished_reruns()):
            trial = every[trial_id]
            if trial.runs:  # As far as the journal tells.
                how = "asked to stop" if trial.excused else "interrupted"
                self.attempt_lost(
                    trial_id,
                    f"the search was {how}",
                    interrupted=True,
                    excused=trial.excused,
                    last=trial.last,
                )
        for trial in history.trials.values():
            if trial.retried and trial.ended is None and not trial.since_retry:
                directory = self._study.directory
                checkpoint_files.begin_run(directory, trial.trial_id, trial.failures)
        adopted = self._adopt() if history.is_empty() else []
        self._study.commit()
        return adopted

    def _adopt(self) -> list[str]:
        """Takes up trials that the user's tuner reloaded from KerasTuner's own files."""
        oracle, unfinished = self._oracle, []
        for trial_id in oracle.start_order:
            self.created(oracle.trials[trial_id])
            if trial_id in oracle.end_order:
                self.end(oracle.trials[trial_id])
            else:
                unfinished.append(trial_id)
        # KerasTuner would hand them out from its own queue, past the journal.
        oracle._retry_queue.clear()
        return unfinished

    def knows(self, trial_id: str) -> bool:
        """Whether a trial was created before."""
        return trial_id in self._known

    def note(self, trial_id: str, notes: dict[str, Any]) -> None:
        """Keeps plain data until the trial's end is journaled."""
        self._notes.setdefault(trial_id, {}).update(notes)

    def handed_out(self, trial_id: str, worker: str, *, last: bool = False) -> None:
        """Takes note of who runs a trial, and whether that is its last chance."""
        self._epochs.begin(trial_id, judged=trial_id in self._oracle.trials)
        if trial_id in self._workers:
            return  # The record of its creation tells.
        self._workers[trial_id] = worker
        self._started[trial_id] = time.time()
        self._records.append(
            "began",
            trial=trial_id,
            worker=worker,
            time=self._started[trial_id],
            **_flags(last=last),
        )
        self._settle()

    def stopping(self, trial_ids: list[str]) -> None:
        """Journals that trials which run are not to blame if the search ends now."""
        self._records.append("stopping", trials=trial_ids, time=time.time())
        self._settle()

    def asked(self, request: Request, **told: Any) -> None:
        """Journals what somebody has asked; the record is what makes it so.

        Args:
            request: What was asked.
            told: What is done about it, if that is not just what was asked.
        """
        faults.point(_ASKED_BEFORE)
        told = {**request.told(), **told, "made": request.made, "by": request.by}
        self._records.append(
            "asked", request=request.id, what=request.kind, time=time.time(), **told
        )
        self._settle()
        faults.point(_ASKED_AFTER)

    def created(
        self, trial: Any, worker: str | None = None, request: str | None = None
    ) -> None:
        """Journals a new trial.

        Args:
            trial: The trial.
            worker: Who is about to run it; None if it has to wait for a worker.
            request: Id of the request for it, if somebody has asked for it.
        """
        faults.point(_CREATED_BEFORE)
        self._known.add(trial.trial_id)
        now = time.time()
        if worker is not None:
            self._workers[trial.trial_id], self._started[trial.trial_id] = worker, now
        told = reruns.marks(trial)
        own_id = not (told or self._is_count(trial.trial_id))
        self._records.append_trial(
            "created",
            trial,
            time=now,
            worker=worker,
            **_flags(own_id=own_id, request=request, **told),
        )
        if not told:
            self.decisions.note()
        self._settle()
        faults.point(_CREATED_AFTER)

    def confirming(self, plan: Plan) -> None:
        """Journals which trials are run again, now that the search itself is over."""
        told = {**vars(plan), "trials": list(plan.trials)}
        self._records.append("confirming", time=time.time(), **told)
        self._settle()

    def nothing_handed_out(self) -> None:
        """Takes note of what the oracle says when it has no trial."""
        self.decisions.note()
        self._settle()

    def _is_count(self, trial_id: str) -> bool:
        """Whether an id counts trials as KerasTuner does, from 0."""
        return is_number(trial_id) and int(trial_id) < len(self._oracle.trials)

    def attempt_lost(self, trial_id: str, reason: str, **how: bool) -> Tries:
        """Journals an attempt that came to nothing; returns what came of all so far.

        Args:
            trial_id: The trial.
            reason: Why, for people.
            how: What `Tries.note` takes into account.
        """
        # Until the next attempt nothing more is saved: this is where that one starts.
        point = checkpoint_files.reached(self._study.directory, trial_id)
        reached = list(point) if any(point) else None
        faults.point(_ATTEMPT_BEFORE)
        self._records.append(
            "attempt",
            trial=trial_id,
            reason=reason,
            worker=self._workers.pop(trial_id, None),
            started=self._started.pop(trial_id, None),
            time=time.time(),
            **_flags(**how, reached=reached),
        )
        self._settle()
        faults.point(_ATTEMPT_AFTER)
        tries = self.tries.setdefault(trial_id, Tries())
        tries.note({**how, "reached": point})
        return tries

    def paused(self, trial_id: str) -> tuple[int, Tries]:
        """Journals that a trial is saved, and waits until the oracle wants it again.

        Returns:
            How many epochs it has, and what came of all attempts at it so far; this one
            goes on later.
        """
        epochs = self._epochs.pause(trial_id)
        fit, epoch = epochs["stopped"]["fit"], epochs["stopped"]["epoch"]
        directory = self._study.directory
        point = checkpoint_files.saved_at(directory, trial_id, fit, epoch + 1)
        faults.point(_PAUSED_BEFORE)
        self._records.append(
            "paused",
            trial=trial_id,
            worker=self._workers.pop(trial_id, None),
            started=self._started.pop(trial_id, None),
            time=time.time(),
            reached=list(point),
            **_flags(notes=self._notes.get(trial_id)),
            **epochs,
        )
        curve_hearing.tell(self._oracle, trial_id, epochs)
        self._settle()
        faults.point(_PAUSED_AFTER)
        tries = self.tries.setdefault(trial_id, Tries())
        tries.note({"kind": "paused", "reached": point})
        return epoch + 1, tries

    def is_suspect(self, trial_id: str, max_retries: int | None) -> bool:
        """Whether only the last chance is left of a trial."""
        tries = self.tries.get(trial_id)
        return tries is not None and tries.is_suspect(max_retries)

    def given_up(self, max_retries: int | None) -> dict[str, str]:
        """The trials that have no attempt left, and why."""
        every = self.tries.items()
        return {i: tries.why() for i, tries in every if tries.is_over(max_retries)}

    def end(self, trial: Any) -> None:
        """Journals a trial's end."""
        faults.point(_ENDED_BEFORE)
        trial_id = trial.trial_id
        before = self.tries.pop(trial_id, Tries()).attempts
        # One that has lost its last chance ends without another attempt.
        paused = self._epochs.is_paused(trial_id)
        without = before and trial_id not in self._workers and not paused
        attempts = before if without else before + 1
        epochs = self._epochs.end(trial_id, trial.status)
        told = reruns.marks(trial)
        self._records.append_trial(
            "ended",
            trial,
            status=trial.status,
            score=trial.score,
            objective=self._objective,
            best_step=trial.best_step,
            metrics=trial.metrics.get_config(),
            worker=self._workers.pop(trial_id, None),
            started=self._started.pop(trial_id, None),
            ended=time.time(),
            **_flags(
                attempts=attempts if attempts > 1 else None,
                message=trial.message,
                notes=self._notes.pop(trial_id, None),
                goals=self._goals,
                **told,
                **epochs,
            ),
        )
        if not told:
            curve_hearing.tell(self._oracle, trial_id, epochs)
        self._settle()
        faults.point(_ENDED_AFTER)

    def _settle(self) -> None:
        if self._autocommit:
            self._study.commit()
            informing.tell_committed(self._oracle)


def _flags(**flags: Any) -> dict[str, Any]:
    """Those that say something: the others would only make the journal longer."""
    return {name: value for name, value in flags.items() if value}
