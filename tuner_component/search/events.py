"""What happens in a search, for those who watch it.

Observers run in the process that wants the result: the driver sends it events over its
connection. Events are for people to see. One may be left out if the receiver is too slow;
what must not be lost is in the journal.
"""

import bisect
import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_log = logging.getLogger("tuner_component")


@dataclasses.dataclass(frozen=True)
class SearchStarted:
    """The search starts, or continues.

    Attributes:
        study_directory: Path or URI of the study.
        objective: Name of the objective.
        direction: "min" or "max".
        workers: How many trials run at a time; 0 for a search in process.
        max_trials: How many trials there will be, where that is known.
        completed: How many completed in earlier runs.
        failed: How many failed in earlier runs.
        best: Score and id of the best trial of earlier runs.
        space: The search space, as KerasTuner configures each hyperparameter.
        paused: Ids of the trials that were paused in earlier runs, and still are.
        reruns: How many re-runs of its best trials there are at its end, at most.
        rerun_scores: What those came to that ended in earlier runs, by the trial that was
            run again; None for one that failed.
        standing: How the search stands, where the best score does not say it.
    """

    study_directory: str
    objective: str
    direction: str
    workers: int
    max_trials: int | None = None
    completed: int = 0
    failed: int = 0
    best: tuple[float, str] | None = None
    space: Sequence[Mapping[str, Any]] = ()
    paused: Sequence[str] = ()
    reruns: int = 0
    rerun_scores: Mapping[str, Sequence[float | None]] = dataclasses.field(
        default_factory=dict
    )
    standing: str | None = None


@dataclasses.dataclass(frozen=True)
class TrialStarted:
    """A worker has a trial.

    Attributes:
        trial_id: The trial.
        worker: Who runs it.
        values: Its hyperparameters by name.
        confirms: The trial of the search that it runs again, if it does.
    """

    trial_id: str
    worker: str
    values: Mapping[str, Any]
    confirms: str | None = None


@dataclasses.dataclass(frozen=True)
class EpochEnded:
    """A training of a running trial has got through an epoch.

    Attributes:
        trial_id: The trial.
        fit: Number of the training within the trial, from 0.
        epoch: Number of the epoch, from 0.
        metrics: The metrics after it.
    """

    trial_id: str
    fit: int
    epoch: int
    metrics: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class AttemptLost:
    """A trial came to nothing, and will be run again.

    Attributes:
        trial_id: The trial.
        reason: Why.
    """

    trial_id: str
    reason: str


@dataclasses.dataclass(frozen=True)
class TrialPaused:
    """A trial waits, with its training saved, until it is worth going on with.

    Attributes:
        trial_id: The trial.
        epochs: How many it has.
    """

    trial_id: str
    epochs: int


@dataclasses.dataclass(frozen=True)
class TrialEnded:
    """A trial has ended for good.

    Attributes:
        trial_id: The trial.
        completed: Whether it did; otherwise it failed.
        score: Value of the objective.
        message: What there is to say about its failure.
        confirms: The trial of the search that it ran again, if it did.
        standing: How the search stands now, where the best score does not say it.
    """

    trial_id: str
    completed: bool
    score: float | None = None
    message: str | None = None
    confirms: str | None = None
    standing: str | None = None


@dataclasses.dataclass(frozen=True)
class SearchEnding:
    """The oracle has decided that no more trials start, before all were run.

    Attributes:
        reason: Why, in a sentence.
    """

    reason: str


@dataclasses.dataclass(frozen=True)
class PlacesChanged:
    """A cluster has other places for workers than before.

    Attributes:
        open: How many there are.
        wanted: How many the search asks for.
        nodes: On how many nodes they are.
    """

    open: int
    wanted: int
    nodes: int

    def __str__(self) -> str:
        """What to say of it."""
        on = f"on {self.nodes} node{'' if self.nodes == 1 else 's'}"
        if missing := max(0, self.wanted - self.open):
            verb = "is" if self.open == 1 else "are"
            have = f"; {self.open} {verb} {on}" if self.open else ""
            return f"waiting for {missing} of {self.wanted} places{have}"
        return f"{self.open} of {self.wanted} places {on}"


def cause_of(message: str) -> str:
    """The line of a message that names what went wrong: of a traceback, the exception."""
    _, marker, last = message.rpartition("Traceback (most recent call last):")
    lines = (last if marker else message).splitlines()
    return next((line for line in lines if line and not line[0].isspace()), "")


# A trial may hang that takes so many times as long as the median of at least so many, and
# at least so many seconds.
_SLOW = 10
_ENOUGH_TRIALS = 3
_SLOW_S = 60.0

Event = (
    SearchStarted
    | TrialStarted
    | EpochEnded
    | AttemptLost
    | TrialPaused
    | TrialEnded
    | SearchEnding
    | PlacesChanged
)
Observer = Callable[[Event], None]


class Tally:
    """Counts what events tell.

    Attributes:
        search: How the search started; None before it did.
        completed: Number of trials that completed, those of earlier runs included.
        failed: Number of trials that failed, those of earlier runs included.
        best: Score and id of the best trial.
        paused: The trials that are paused.
        reruns: Number of re-runs that have ended; none of them is one of the others.
        standing: How the search stands, where the best score does not say it.
    """

    def __init__(self) -> None:
        self.reruns = 0
        self.search: SearchStarted | None = None
        self.paused: set[str] = set()
        self.completed = 0
        self.failed = 0
        self.best: tuple[float, str] | None = None
        self.standing: str | None = None

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return self.completed + self.failed

    def count(self, event: Event) -> None:
        """Takes an event into account."""
        if isinstance(event, SearchStarted):
            self.search, self.best = event, event.best
            self.completed, self.failed = event.completed, event.failed
            self.paused = set(event.paused)
            self.reruns = sum(map(len, event.rerun_scores.values()))
            self.standing = event.standing
        elif isinstance(event, TrialPaused):
            self.paused.add(event.trial_id)
        elif isinstance(event, TrialStarted):
            self.paused.discard(event.trial_id)
        elif isinstance(event, TrialEnded) and event.confirms is not None:
            self.reruns += 1
        elif isinstance(event, TrialEnded):
            self.paused.discard(event.trial_id)
            self.completed += event.completed
            self.failed += not event.completed
            self.standing = event.standing or self.standing
            if event.score is not None and self._is_better(event.score):
                self.best = event.score, event.trial_id

    def _is_better(self, score: float) -> bool:
        if self.best is None or self.search is None:
            return self.best is None
        sign = 1 if self.search.direction == "max" else -1
        return sign * score > sign * self.best[0]


class Pace:
    """How long trials take, to tell one that may hang.

    Args:
        clock: The time in seconds, by a clock that never goes back; the system's if None.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or time.monotonic
        self._began: dict[str, float] = {}
        self._took: list[float] = []

    def count(self, event: Event) -> None:
        """Takes an event into account."""
        if isinstance(event, TrialStarted):
            self._began[event.trial_id] = self._clock()
        elif isinstance(event, (AttemptLost, TrialPaused, TrialEnded)):
            began = self._began.pop(event.trial_id, None)
            if began is not None and isinstance(event, TrialEnded):
                bisect.insort(self._took, self._clock() - began)

    def too_slow(self) -> list[tuple[str, str]]:
        """The trials that take ten times as long as most, and what to say of each."""
        if len(self._took) < _ENOUGH_TRIALS:
            return []
        median, now = self._took[len(self._took) // 2], self._clock()
        limit = max(_SLOW * median, _SLOW_S)
        warning = (
            "Trial {} has run for {:.0f} seconds, and half of the trials took at most "
            "{:.0f}. If it hangs, set trial_timeout_seconds."
        )
        return [
            (trial_id, warning.format(trial_id, now - began, median))
            for trial_id, began in self._began.copy().items()
            if now - began > limit
        ]


class Lines:
    """An observer that logs a line for each event of a trial, and for other places."""

    def __init__(self, log: Callable[[str], None] | None = None) -> None:
        self._log = log or (lambda line: _log.info("%s", line))
        self._tally = Tally()
        self._pace = Pace()
        self._warned: set[str] = set()
        self._places: PlacesChanged | None = None

    def __call__(self, event: Event) -> None:
        """Logs an event."""
        self._tally.count(event)
        self._pace.count(event)
        if line := self._line(event):
            self._log(line)
        for trial_id, warning in self._pace.too_slow():
            if trial_id not in self._warned:
                self._warned.add(trial_id)
                self._log(warning)

    def _line(self, event: Event) -> str | None:
        if isinstance(event, SearchStarted):
            done = event.completed + event.failed
            how = f"{event.workers} trials at a time" if event.workers else "in process"
            return f"Search in {event.study_directory}: {how}" + (
                f", {done} trials are done." if done else "."
            )
        if isinstance(event, TrialStarted):
            again = f": trial {event.confirms} again" if event.confirms else ""
            return f"Trial {event.trial_id} starts on {event.worker}{again}."
        if isinstance(event, AttemptLost):
            why = cause_of(event.reason)
            return f"Trial {event.trial_id} will be run again: {why}."
        if isinstance(event, TrialPaused):
            return f"Trial {event.trial_id} is paused after epoch {event.epochs}."
        if isinstance(event, TrialEnded):
            return self._end(event)
        if isinstance(event, SearchEnding):
            return event.reason
        if isinstance(event, PlacesChanged) and event != self._places:
            self._places = event
            return f"{event}.".capitalize()
        return None

    def _end(self, event: TrialEnded) -> str:
        tally = self._tally
        if event.confirms is not None:
            score = "it failed" if event.score is None else f"score {event.score:.6g}"
            return f"Trial {event.confirms} was run again ({event.trial_id}): {score}."
        of = tally.search.max_trials if tally.search else None
        text = f"Trial {event.trial_id} {'completed' if event.completed else 'failed'}"
        failed = f", {tally.failed} failed" if tally.failed else ""
        text += f" ({tally.ended}{f' of {of}' if of else ''}{failed})"
        if event.score is not None and tally.search is not None:
            text += f": {tally.search.objective} {event.score:.6g}"
        if tally.standing is not None:
            text += f"; {tally.standing}"
        elif tally.best is not None:
            text += f"; best so far {tally.best[0]:.6g} by trial {tally.best[1]}"
        return f"{text}."


class Audience:
    """Several observers as one. One that raises is dropped: watching must not stop a search."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = list(observers)

    def __call__(self, event: Event) -> None:
        """Tells all observers."""
        for observer in list(self._observers):
            try:
                observer(event)
            except Exception:  # noqa: BLE001
                self._observers.remove(observer)
                _log.warning("Going on without %r:", observer, exc_info=True)
