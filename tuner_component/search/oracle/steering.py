"""How people steer a search that runs: what their requests do to its oracle.

A request is done once it is journaled; `study.asked` tells what the journal says. What
it takes beside the oracle (more workers, a word to one that trains) is for whoever runs
the search.
"""

from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.errors import (
    SearchStoppedError,
    how_to_go_on,
)
from tuner_component.search.oracle import decisions
from tuner_component.search.oracle.confirming import ConfirmingOracle
from tuner_component.search.oracle.enqueued import Enqueued, NoRoomError
from tuner_component.search.spelling import counted, did_you_mean
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.study import requests, times
from tuner_component.search.study.history import History
from tuner_component.search.study.requests import DONE, REFUSED, Request
from tuner_component.search.study.study import Study

_Status = trial_lib.TrialStatus
_OVER = "Expected a search that runs. Received: one that is over."

Outcome = tuple[str, str]


class Refused(Exception):
    """A request is not done; the message says why."""


class Steering:
    """What people have asked of one search.

    Attributes:
        enqueued: The configurations that are to be tried next.
        ends: Whether the search is to end.
        done: Ids of the requests that are done.
        why: Who has ended the search, in a sentence; None if nobody has.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        history: History,
        study: Study,
        epochs: LearningCurves,
    ) -> None:
        """Goes on where a study ends.

        Args:
            oracle: Repaired, and restored from the study.
            history: What the study tells.
            study: The study.
            epochs: Told which trials are to stop.
        """
        asked = history.asked
        self.done = set(asked.records)
        self.enqueued = Enqueued(oracle, asked.enqueued())
        self.ends = asked.ends_search(study.heeded)
        self.why = history.ended_because if self.ends else None
        open_trials = set(history.unfinished())
        stopped = open_trials if self.ends else asked.unwanted & open_trials
        for trial_id in stopped:
            epochs.stop(trial_id)


class SteerableOracle(ConfirmingOracle):
    """What a durable oracle does about requests. Without any, nothing is noticed."""

    __slots__ = ("_steering",)

    _steering: Steering

    @property
    def ended_because(self) -> str | None:
        """Why the search has ended before all trials were run; None if it has not."""
        oracles: str | None = getattr(self._inner, "ended_because", None)
        return self._steering.why or oracles

    @property
    def ended_by(self) -> str | None:
        """By which condition it has: see `Study.mark_finished`."""
        if self._steering.ends:
            return requests.BY_REQUEST
        return decisions.ended_by(self._inner)

    def require_result(self) -> None:
        """Raises if somebody has ended the search before a trial has completed.

        The next run goes on: there is nothing that it could publish.

        Raises:
            SearchStoppedError: See above.
        """
        if self._steering.ends:
            self._study.heed()
            raise SearchStoppedError(
                "Expected a completed trial when the search was stopped by request. "
                f"Received: none. {how_to_go_on(self._study.directory)}"
            )

    def is_done(self, request: Request) -> bool:
        """Whether a request is done, in this run of the search or one before."""
        return request.id in self._steering.done

    def do(self, request: Request, *, workers: bool = False) -> Outcome:
        """Does what somebody asks, if it can be done; once, however often it is asked.

        Args:
            request: What is asked.
            workers: Whether the number of workers can be changed, and will be.

        Returns:
            The outcome, and a message that says what happens now or why nothing does. It
            is to be told when it is durable: see `DurableOracle.commit`.

        Raises:
            StorageError: If it cannot be made durable.
        """
        does: Callable[[Request], str] = {
            requests.STOP_TRIAL: self._stop_trial,
            requests.STOP_SEARCH: self._stop_search,
            requests.ENQUEUE: self._enqueue,
            requests.WORKERS: self._change_workers if workers else _keep_workers,
        }[request.kind]
        with self._lock:
            if self.is_done(request):
                return DONE, "It was done before."
            try:
                return DONE, does(request)
            except Refused as reason:
                return REFUSED, str(reason)

    def settle(self, request: Request) -> Outcome:
        """What to say of a request when nothing more is done."""
        if self.is_done(request):
            return DONE, "It was done before."
        return REFUSED, _OVER

    def _note(self, request: Request) -> None:
        self._ledger.asked(request)
        self._steering.done.add(request.id)

    def _stop_trial(self, request: Request) -> str:
        trial_id = request.trial or ""
        known = self._inner.trials
        if trial_id in self._reruns.trials:
            raise Refused(
                f"Expected a trial of the search. Received: {trial_id}, which runs "
                "another one again to confirm it. Stop the search to leave that out."
            )
        if trial_id not in known:
            raise Refused(
                f"Expected the id of a trial that has not ended. Received: "
                f"{trial_id[:100]!r}.{did_you_mean(trial_id, list(known))}"
            )
        if not self._open.is_open(trial_id):
            raise Refused(
                f"Expected a trial that has not ended. Received: {trial_id}, "
                f"{known[trial_id].status.lower()}."
            )
        if trial_id not in self.epochs.unwanted:
            self._note(request)
            self.epochs.stop(trial_id)
        if trial_id in self._open.paused:
            return f"Trial {trial_id} is paused, and ends with its best epoch so far."
        return (
            f"Trial {trial_id} ends after its next epoch, with its best one so far. If it "
            "reports no epochs, it runs to its end."
        )

    def _stop_search(self, request: Request) -> str:
        if self._study.is_finished:
            raise Refused(_OVER)
        if not self._steering.ends:
            self._steering.ends = True
            self._steering.why = self._why(request)
            self._ledger.decisions.end(self._steering.why)
            self._note(request)
            for trial_id in self._unfinished():
                self.epochs.stop(trial_id)
        return (
            "The search ends. Trials that run end after their next epoch, with their best "
            "one so far; one that reports no epochs runs to its end."
        )

    def _why(self, request: Request) -> str:
        of = f" of {self.max_trials}" if self.max_trials else ""
        count = counted(len(self._inner.trials), "trial")
        by = f" by {request.by}" if request.by else ""
        return f"Stopped by request{by} after {count}{of}, at {times.now()}."

    def _unfinished(self) -> list[str]:
        """The trials of the search that have not ended: a re-run is whole, or none."""
        running = [trial.trial_id for trial in self._inner.ongoing_trials.values()]
        every = (*running, *self._open.waiting, *self._open.paused)
        return [i for i in every if i in self._inner.trials]

    def _enqueue(self, request: Request) -> str:
        if self._steering.ends:
            raise Refused("Expected a search that goes on. Received: one that ends.")
        if self._reruns.begun or self._search_is_over:
            raise Refused(
                "Expected a search that tries further trials. Received: one that is over, "
                "and runs its best trials again."
            )
        try:
            point = self._steering.enqueued.check(request.values or {})
        except NoRoomError as error:
            raise Refused(str(error)) from error
        self._ledger.asked(request, values=point)
        self._steering.done.add(request.id)
        self._steering.enqueued.add(request.id, point)
        return f"It is tried next: {point}."

    def _change_workers(self, request: Request) -> str:
        self._note(request)
        return (
            f"{counted(request.workers or 0, 'trial')} at a time from now on, until the "
            "search ends or is interrupted. Surplus workers end after their trial."
        )

    def _next(self, tuner_id: str) -> Any:
        """A trial for a tuner; none if somebody has ended the search."""
        if self._steering.ends:
            self._end_paused(tuple(self._open.paused))
            return self._supply.nothing(_Status.STOPPED)
        if unwanted := self.epochs.unwanted:
            self._end_paused(i for i in tuple(self._open.paused) if i in unwanted)
        return super()._next(tuner_id)


def _keep_workers(request: Request) -> str:
    raise Refused(
        "Expected a search with its trials in worker processes. Received: one in this "
        "process, one trial after another. Set num_parallel_trials to run it again with "
        "workers."
    )
