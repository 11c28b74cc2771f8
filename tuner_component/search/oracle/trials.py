"""The trials that an oracle knows: those that ended, and those that have not.

Nothing here is journaled: see `ledger`.
"""

import collections
import math
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.errors import SearchError, UnknownTrialError


def is_scored(trial: trial_lib.Trial) -> bool:
    """Whether the trial completed with a finite score."""
    return (
        trial.status == trial_lib.TrialStatus.COMPLETED
        and trial.score is not None
        and math.isfinite(trial.score)
    )


def ranked(oracle: Any) -> list[trial_lib.Trial]:
    """Returns the completed trials of the oracle, the best one first.

    Asks the oracle for as many trials as it has: KerasTuner's own `max_trials` is
    None for Hyperband and for an unlimited grid search.
    """
    return [t for t in oracle.get_best_trials(len(oracle.trials)) if is_scored(t)]


def completed_ids(oracle: Any) -> list[str]:
    """Ids of the completed trials, in the order in which they were created."""
    completed = trial_lib.TrialStatus.COMPLETED
    return [t.trial_id for t in oracle.trials.values() if t.status == completed]


def settle_score(trial: Any) -> None:
    """Makes the score of a trial that has ended what its status says."""
    if trial.status != trial_lib.TrialStatus.COMPLETED:
        trial.score = None
    elif trial.score is None or not math.isfinite(trial.score):
        # An oracle that scores trials without `score_trial`.
        trial.status, trial.score = trial_lib.TrialStatus.FAILED, None
    else:
        trial.score = float(trial.score)  # As it comes back: no number of numpy's.


class OpenTrials:
    """Keeps apart the trials that run, those that wait for a worker, and paused ones.

    Args:
        oracle: Knows the former by who runs them: its `ongoing_trials`.
        waiting: Ids of the second.
        paused: Ids of the last, which are not handed out until the oracle wants it.
        is_suspect: Whether a trial may only run after all others, with none beside it.
        reruns: Trials by their ids that run others of the oracle again.

    Attributes:
        waiting: Ids of the trials that wait, first come first served.
        paused: Ids of the trials that are paused, the one that has been for longest first.
        is_suspect: As above.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        waiting: Iterable[str],
        is_suspect: Callable[[str], bool] = lambda trial_id: False,
        paused: Iterable[str] = (),
        reruns: Mapping[str, Any] = types.MappingProxyType({}),
    ) -> None:
        self._oracle = oracle
        self._reruns = reruns
        self.paused = list(paused)
        self.waiting = collections.deque(
            trial_id for trial_id in waiting if trial_id not in self.paused
        )
        self.is_suspect = is_suspect

    @property
    def any_ready(self) -> bool:
        """Whether a trial waits for nothing but a worker."""
        return any(not self.is_suspect(trial_id) for trial_id in self.waiting)

    @property
    def one_is_alone(self) -> bool:
        """Whether a trial runs that nothing may run beside."""
        running = self._oracle.ongoing_trials.values()
        return any(self.is_suspect(trial.trial_id) for trial in running)

    @property
    def any(self) -> bool:
        """Whether a trial has not ended."""
        return bool(self._oracle.ongoing_trials or self.waiting or self.paused)

    def find(self, trial_id: str) -> Any:
        """A trial, or one that runs another again, by its id.

        Raises:
            UnknownTrialError: If there is no such trial.
        """
        for trials in (self._oracle.trials, self._reruns):
            if trial_id in trials:
                return trials[trial_id]
        raise UnknownTrialError(
            "Expected a trial that create_trial returned. "
            f"Received: the trial id {trial_id!r}. Pass the id of such a trial."
        )

    def known(self, trial_id: str) -> str:
        """The id of a trial, if it is one: see `find`."""
        self.find(trial_id)
        return trial_id

    def runs(self, trial_id: str) -> bool:
        """Whether a worker runs a trial."""
        ongoing = self._oracle.ongoing_trials.values()
        return any(trial.trial_id == trial_id for trial in ongoing)

    def is_open(self, trial_id: str) -> bool:
        """Whether a trial has not ended."""
        known = trial_id in self.waiting or trial_id in self.paused
        return known or self.runs(trial_id)

    def check_runs(self, trial_id: str) -> None:
        """Raises a `SearchError` if no worker runs a trial."""
        if not self.runs(self.known(trial_id)):
            raise SearchError(
                f"Expected a running trial. Received: {trial_id}, which ended or "
                "waits for a worker. Report each attempt's end once."
            )

    def take(self, tuner_id: str) -> Any:
        """Gives the trial that has waited longest to a tuner; None if none is ready."""
        ready = (i for i in self.waiting if not self.is_suspect(i))
        return self._give(next(ready, None), tuner_id)

    def take_suspect(self, tuner_id: str) -> Any:
        """Gives a trial its last chance, if one waits for it and nothing else runs.

        For when the oracle has no other trial.
        """
        if self._oracle.ongoing_trials:
            return None
        return self._give(next(iter(self.waiting), None), tuner_id)

    def _give(self, trial_id: str | None, tuner_id: str) -> Any:
        if trial_id is None:
            return None
        self.waiting.remove(trial_id)
        trial = self.find(trial_id)
        trial.status = trial_lib.TrialStatus.RUNNING
        trial.message = trial.score = None
        # What the attempt before reported must not be averaged into this one's.
        trial.metrics = type(trial.metrics)()
        self._oracle.ongoing_trials[tuner_id] = trial
        return trial

    def claim(self, trial_id: str) -> None:
        """Takes a trial that waits or is paused, if it is, so that it can be ended."""
        trial = self.find(trial_id)
        # A re-run of an earlier run of the search, before re-runs go on, waits nowhere.
        waits = trial_id in self._reruns and trial.status == "RUNNING"
        for trials in (self.waiting, self.paused):
            if trial_id in trials:
                trials.remove(trial_id)
                waits = True
        if waits and not self.runs(trial_id):
            self._oracle.ongoing_trials[f"no worker ({trial_id})"] = trial

    def pause(self, trial_id: str) -> None:
        """Takes a trial from the worker that runs it, until the oracle wants it."""
        self.release(trial_id)
        self.paused.append(trial_id)

    def go_on(self, trial_id: str) -> None:
        """Has a trial that is paused wait for a worker."""
        self.paused.remove(trial_id)
        self.waiting.append(trial_id)

    def release(
        self, trial_id: str, *, waits: bool = False, goes_first: bool = False
    ) -> None:
        """Takes a trial from the worker that runs it.

        Args:
            trial_id: The trial.
            waits: Whether it waits for another worker now.
            goes_first: Whether it does so before all that wait already. Until one that
                ran out of memory has ended, no two trials run at a time.
        """
        ongoing = self._oracle.ongoing_trials
        for tuner_id in [k for k, t in ongoing.items() if t.trial_id == trial_id]:
            del ongoing[tuner_id]
        if waits and goes_first:
            self.waiting.appendleft(trial_id)
        elif waits:
            self.waiting.append(trial_id)
