"""Whether a trial gets another attempt: the one place where that is decided."""

import dataclasses
from collections.abc import Mapping

from tuner_component.search.oracle.failures import Tries
from tuner_component.search.parallel.driver.instructions import (
    FailTrial,
    GiveBack,
    WorkerGone,
)
from tuner_component.search.parallel.driver.states import Attempt


class Trials:
    """What came of the attempts at the trials that have not ended.

    Args:
        max_retries: How often a trial is repeated whose worker was lost. A trial that
            ran out of memory is repeated once, with the machine to itself.
        tries: What came of attempts in earlier runs, by trial.
    """

    def __init__(self, max_retries: int, tries: Mapping[str, Tries]) -> None:
        self._max_retries = max_retries
        self._tries = dict(tries)
        # Those that have nothing left but their last chance.
        self._suspects = {i for i, t in tries.items() if t.is_suspect(max_retries)}
        self._ran_out = {i for i, t in tries.items() if t.ran_out}

    @property
    def one_at_a_time(self) -> bool:
        """Whether a trial that has run out of memory has not ended yet.

        It runs alone, or waits to; but for its last chance it waits until there is no
        other trial, and the oracle sees to that.
        """
        return not self._ran_out <= self._suspects

    def start(self, trial_id: str, worker_id: str, now: float) -> Attempt:
        """A worker starts an attempt."""
        tries = self._tries.setdefault(trial_id, Tries())
        tries.attempts += 1
        last = trial_id in self._suspects
        alone = tries.ran_out or last
        return Attempt(trial_id, worker_id, tries.attempts, now, alone, last)

    def lose(self, attempt: Attempt, gone: WorkerGone) -> GiveBack | FailTrial:
        """An attempt was lost with its worker; returns what to do about the trial.

        A trial that raises is not lost: it is handed in, and has failed.
        """
        trial_id, reason = attempt.trial_id, gone.reason
        if gone.excused:
            return GiveBack(trial_id, reason, excused=True)
        if gone.with_node and not gone.out_of_memory:
            # If it was the last chance depends on how far it got, which the study knows.
            return GiveBack(trial_id, reason, interrupted=True, last=attempt.last)
        if self._count(attempt, gone.out_of_memory):
            return GiveBack(trial_id, reason, gone.out_of_memory)
        return FailTrial(trial_id, f"{reason}, at attempt {attempt.number}")

    def _count(self, attempt: Attempt, out_of_memory: bool) -> bool:
        """Counts a lost attempt; returns whether there is to be another."""
        tries = self._tries[attempt.trial_id]
        if out_of_memory:
            # Whatever `max_retries` says: what ran beside it may have taken the memory.
            again = not tries.ran_out
            tries.ran_out = True
            self._ran_out.add(attempt.trial_id)
        else:
            tries.lost += 1
            again = tries.lost <= self._max_retries
        again = again and not attempt.last
        if again and tries.is_suspect(self._max_retries):
            self._suspects.add(attempt.trial_id)
        return again

    def taken_back(self, trial_id: str, tries: Tries) -> None:
        """A trial waits for another worker, and the study knows what came of it so far."""
        # An attempt that no worker has begun is none here.
        begun = self._tries.get(trial_id, Tries()).attempts
        self._tries[trial_id] = dataclasses.replace(tries, attempts=begun)
        self._suspects.discard(trial_id)
        if tries.is_suspect(self._max_retries):
            self._suspects.add(trial_id)
        self._ran_out.discard(trial_id)
        if tries.ran_out:
            self._ran_out.add(trial_id)

    def paused(self, trial_id: str, tries: Tries) -> None:
        """A trial is paused, and will go on with the same attempt."""
        self.taken_back(trial_id, tries)
        self._tries[trial_id].attempts -= 1

    def end(self, trial_id: str) -> None:
        """A trial has ended for good."""
        self._tries.pop(trial_id, None)
        self._ran_out.discard(trial_id)
