"""How a search is going, by what it tells: counted, timed, and a line for each event."""

import bisect
import logging
import time
from collections.abc import Callable

from tuner_component.search import events
from tuner_component.search.spelling import counted

_log = logging.getLogger("tuner_component")

# A trial may hang that takes so many times as long as the median of at least so many, and
# at least so many seconds.
_SLOW = 10
_ENOUGH_TRIALS = 3
_SLOW_S = 60.0


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
        self.search: events.SearchStarted | None = None
        self.paused: set[str] = set()
        self.completed = 0
        self.failed = 0
        self.best: tuple[float, str] | None = None
        self.standing: str | None = None

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return self.completed + self.failed

    def count(self, event: events.Event) -> None:
        """Takes an event into account."""
        if isinstance(event, events.SearchStarted):
            self.search, self.best = event, event.best
            self.completed, self.failed = event.completed, event.failed
            self.paused = set(event.paused)
            self.reruns = sum(map(len, event.rerun_scores.values()))
            self.standing = event.standing
        elif isinstance(event, events.TrialPaused):
            self.paused.add(event.trial_id)
        elif isinstance(event, events.TrialStarted):
            self.paused.discard(event.trial_id)
        elif isinstance(event, events.TrialEnded) and event.confirms is not None:
            self.reruns += 1
        elif isinstance(event, events.TrialEnded):
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

    def count(self, event: events.Event) -> None:
        """Takes an event into account."""
        if isinstance(event, events.TrialStarted):
            self._began[event.trial_id] = self._clock()
        elif isinstance(
            event, (events.AttemptLost, events.TrialPaused, events.TrialEnded)
        ):
            began = self._began.pop(event.trial_id, None)
            if began is not None and isinstance(event, events.TrialEnded):
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
        self._places: events.PlacesChanged | None = None
        self._was_paused = False
        # Of the trials that paused in this run of the search.
        self._epochs: dict[str, int] = {}

    def __call__(self, event: events.Event) -> None:
        """Logs an event."""
        # One that ends so had no worker: it is not worth going on with.
        self._was_paused = (
            isinstance(event, events.TrialStarted | events.TrialEnded)
            and event.trial_id in self._tally.paused
        )
        if isinstance(event, events.TrialPaused):
            self._epochs[event.trial_id] = event.epochs
        self._tally.count(event)
        self._pace.count(event)
        if line := self._line(event):
            self._log(line)
        for trial_id, warning in self._pace.too_slow():
            if trial_id not in self._warned:
                self._warned.add(trial_id)
                self._log(warning)

    def _line(self, event: events.Event) -> str | None:
        if isinstance(event, events.SearchStarted):
            done = event.completed + event.failed
            how = f"{counted(event.workers, 'trial')} at a time"
            verb = "is" if done == 1 else "are"
            return (
                f"Search in {event.study_directory}: "
                f"{how if event.workers else 'in process'}"
                + (f", {counted(done, 'trial')} {verb} done." if done else ".")
            )
        if isinstance(event, events.TrialStarted):
            again = f": trial {event.confirms} again" if event.confirms else ""
            verb = "continues" if self._was_paused else "starts"
            return f"Trial {event.trial_id} {verb} on {event.worker}{again}."
        if isinstance(event, events.AttemptLost):
            why = events.cause_of(event.reason)
            return f"Trial {event.trial_id} will be run again: {why}."
        if isinstance(event, events.TrialPaused):
            return f"Trial {event.trial_id} is paused after epoch {event.epochs}."
        if isinstance(event, events.TrialEnded):
            return self._end(event)
        if isinstance(event, events.SearchEnding):
            return event.reason
        if isinstance(event, events.PlacesChanged) and event != self._places:
            self._places = event
            return f"{event}.".capitalize()
        return None

    def _end(self, event: events.TrialEnded) -> str:
        tally = self._tally
        if event.confirms is not None:
            score = "it failed" if event.score is None else f"score {event.score:.6g}"
            return f"Trial {event.confirms} was run again ({event.trial_id}): {score}."
        of = tally.search.max_trials if tally.search else None
        how = "completed" if event.completed else "failed"
        if event.completed and self._was_paused:
            epochs = self._epochs.get(event.trial_id)
            how = "is given up" + (f" after epoch {epochs}" if epochs else "")
        text = f"Trial {event.trial_id} {how}"
        failed = f", {tally.failed} failed" if tally.failed else ""
        text += f" ({tally.ended}{f' of {of}' if of else ''}{failed})"
        if event.score is not None and tally.search is not None:
            text += f": {tally.search.objective} {event.score:.6g}"
        elif not event.completed and (cause := events.cause_of(event.message or "")):
            text += f": {cause.removesuffix('.')}"
        if tally.standing is not None:
            text += f"; {tally.standing}"
        elif tally.best is not None:
            text += f"; best so far {tally.best[0]:.6g} by trial {tally.best[1]}"
        return f"{text}."
