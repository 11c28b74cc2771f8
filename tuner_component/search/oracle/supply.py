"""Where the next trial comes from.

First from those that wait, then from those that are paused and the user's oracle, as it
says, and last from those that have taken the search down too often. When the search is
over, the best may be run again: see `reruns`.
"""

import collections
import time
import uuid
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.errors import SearchError
from tuner_component.search.kerastuner.repairs import lock_released_on_error
from tuner_component.search.oracle.enqueued import Enqueued
from tuner_component.search.oracle.ledger import TrialLedger
from tuner_component.search.oracle.pausing import PausingOracle
from tuner_component.search.oracle.reruns import RerunOracle
from tuner_component.search.oracle.trials import OpenTrials

_Status = trial_lib.TrialStatus

# An oracle that takes longer for its suggestions has a model, and is asked for one ahead.
# A quick one is not: it loses nothing by waiting, and knows one result more by then.
SLOW_S = 0.005


class Supply:
    """Hands out an oracle's trials, each to one tuner.

    KerasTuner names the tuner that a trial is for, and an oracle may give a tuner the
    trial again that it thinks pending: a service that suggests trials does. So whom a
    trial was suggested for says nothing about who runs it; what has been handed out does.

    Args:
        oracle: The user's oracle, repaired and restored.
        ledger: Takes down what is created.
        open_trials: The oracle's trials that have not ended.
        pausing: Asks the oracle about those that are paused.
        reruns: Has what follows the search: when it has begun, the oracle is not asked any
            more.
        enqueued: What somebody wants to be tried next.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        ledger: TrialLedger,
        open_trials: OpenTrials,
        pausing: PausingOracle,
        reruns: RerunOracle,
        enqueued: Enqueued,
    ) -> None:
        self._oracle = oracle
        self._enqueued = enqueued
        self._reruns = reruns
        self._pausing = pausing
        self._ledger = ledger
        self._open = open_trials
        self._thoughts = collections.deque([0.0], maxlen=2)

    @property
    def is_slow(self) -> bool:
        """Whether it pays to have a trial suggested before it is asked for."""
        # Twice in a row: one slow suggestion may be chance, a busy disk or processor. Of
        # an oracle that has a service suggest nothing is seen here: it says so.
        elsewhere = getattr(self._oracle, "suggests_elsewhere", False)
        slow = elsewhere or min(self._thoughts) > SLOW_S
        return slow and not self._reruns.begun

    def next(self, tuner_id: str) -> Any:
        """A trial for a tuner that runs none; one that does not run if there is none."""
        # Only one that has lost an attempt is ever alone.
        if self._ledger.tries and self._open.one_is_alone:
            return self.nothing(_Status.IDLE)
        trial = (
            self._open.take(tuner_id)
            or (None if self._enqueued.any else self._go_on(tuner_id))
            or (self._rerun if self._reruns.begun else self._suggest)(tuner_id)
        )
        if trial.status != _Status.RUNNING:
            return self._open.take_suspect(tuner_id) or trial
        return trial

    def look_ahead(self) -> bool:
        """Has a trial wait for whoever asks next; returns whether one waits.

        An oracle that pauses trials is asked when a worker is free: it has to choose
        between a new trial and a paused one then.
        """
        if not (self._open.any_ready or self._pausing.pauses) and self.is_slow:
            # No one's pending trial, and none that becomes pending for the next call.
            nobody = _new_id()
            trial, request = self._enqueued.create(lambda: self._ask(nobody))
            if self._is_new(trial):
                self._created(trial, request=request)
                self._open.release(trial.trial_id, waits=True)
            self._oracle.ongoing_trials.pop(nobody, None)
        return self._open.any_ready

    def nothing(self, status: str) -> Any:
        """What a tuner gets for which there is no trial."""
        return trial_lib.Trial(self._oracle.get_space(), "", status)

    def _go_on(self, tuner_id: str) -> Any:
        """Gives a tuner the paused trial that the oracle wants; None if it wants none."""
        trial_id = self._pausing.next_paused(tuple(self._open.paused))
        if trial_id is None:
            return None
        self._open.go_on(trial_id)
        return self._open.take(tuner_id)  # Unless it must wait to be alone.

    def _rerun(self, tuner_id: str) -> Any:
        """Gives a tuner a trial of the search to run again."""
        rerun = self._reruns.next()
        if rerun is None:
            others = self._oracle.ongoing_trials
            return self.nothing(_Status.IDLE if others else _Status.STOPPED)
        self._oracle.ongoing_trials[tuner_id] = rerun
        self._ledger.created(rerun, tuner_id)
        return rerun

    def _suggest(self, tuner_id: str) -> Any:
        """Has the oracle create a trial for a tuner."""
        trial, request = self._enqueued.create(lambda: self._ask(tuner_id))
        if trial.status == _Status.RUNNING and not self._is_new(trial):
            # It is pending for this tuner, as far as the oracle knows; but it runs
            # elsewhere by now, say, because the worker of that name is another one.
            self._oracle.ongoing_trials.pop(tuner_id, None)
            trial = self._ask_as_another(tuner_id)
        if trial.status == _Status.RUNNING:
            self._created(trial, tuner_id, request)
        return trial

    def _created(
        self, trial: Any, tuner_id: str | None = None, request: str | None = None
    ) -> None:
        """Takes down a new trial of the search; what was confirmed before is open again."""
        self._reruns.plan = None
        self._ledger.created(trial, tuner_id, request)

    def _ask_as_another(self, tuner_id: str) -> Any:
        """Asks under a name for which no trial can be pending."""
        another = _new_id()
        trial = self._ask(another)
        self._oracle.ongoing_trials.pop(another, None)
        if trial.status != _Status.RUNNING:
            return trial
        if self._is_new(trial):
            self._oracle.ongoing_trials[tuner_id] = trial
            return trial
        if self._open.is_open(trial.trial_id):
            return self.nothing(_Status.IDLE)  # Until that one ends.
        raise SearchError(
            f"Expected {type(self._oracle).__name__}.create_trial to return a new trial. "
            f"Received: trial {trial.trial_id}, which has ended. Return a trial again only "
            "until end_trial was called for it."
        )

    def _ask(self, tuner_id: str) -> Any:
        before = time.monotonic()
        with lock_released_on_error(self._oracle):
            trial = self._oracle.create_trial(tuner_id)
        if trial.status == _Status.RUNNING:
            self._thoughts.append(time.monotonic() - before)
        return trial

    def _is_new(self, trial: Any) -> bool:
        running = trial.status == _Status.RUNNING
        return running and not self._ledger.knows(trial.trial_id)


def _new_id() -> str:
    """A tuner that no oracle has ever seen, not even one that outlives this process."""
    return f"ahead-{uuid.uuid4().hex}"
