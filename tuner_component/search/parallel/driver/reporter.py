"""Telling the process that wants the result how the search is going."""

import contextlib
import logging
import select
import sys
import threading
from collections.abc import Iterator, Mapping
from multiprocessing import connection
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search import events
from tuner_component.search.oracle import trials
from tuner_component.search.parallel import protocol


def search_begun(oracle: Any, study_directory: str, workers: int) -> events.SearchBegun:
    """How a search begins.

    Args:
        oracle: Restored from the study.
        study_directory: Path or URI of the study.
        workers: How many trials run at a time; 0 for a search in process.
    """
    statuses = [trial.status for trial in oracle.trials.values()]
    objective = oracle.objective
    best = trials.ranked(oracle)[:1]
    return events.SearchBegun(
        study_directory=study_directory,
        objective=objective.name,
        direction=objective.direction,
        workers=workers,
        max_trials=events.expected_trials(oracle.max_trials, len(statuses)),
        completed=statuses.count(trial_lib.TrialStatus.COMPLETED),
        failed=statuses.count(trial_lib.TrialStatus.FAILED),
        best=(best[0].score, best[0].trial_id) if best else None,
        space=oracle.get_space().get_config()["space"],
    )


def outcome(state: Mapping[str, Any]) -> events.TrialEnded | events.AttemptLost:
    """What became of a trial that was handed in, by its state."""
    trial_id, message = state["trial_id"], state["message"]
    completed = state["status"] == trial_lib.TrialStatus.COMPLETED
    if completed or state["status"] == trial_lib.TrialStatus.FAILED:
        return events.TrialEnded(trial_id, completed, state["score"], message)
    return events.AttemptLost(trial_id, message or "it came to no result")


class Reporter:
    """The driver's word to the process that wants the result; from any thread.

    As an observer it passes events on.

    Args:
        wire: Connection to that process.
    """

    def __init__(self, wire: connection.Connection) -> None:
        self._wire = wire
        self._lock = threading.Lock()

    def __call__(self, event: events.Event) -> None:
        """Sends an event; left out where nobody listens: the search does not wait."""
        self.mention(protocol.Progress(event))

    def mention(self, message: Any) -> bool:
        """Sends what may be left out; returns whether it was sent."""
        with self._lock:
            _, writable, _ = select.select([], [self._wire], [], 0)
            if not writable:
                return False
            try:
                self._wire.send(message)
            except OSError:  # Its end will be noticed.
                return False
            return True

    def send(self, message: Any) -> None:
        """Sends what must arrive."""
        with self._lock:
            self._wire.send(message)

    @contextlib.contextmanager
    def passing_on_logs(self) -> Iterator[None]:
        """Has what this package logs here logged there too, where people look."""
        handler = _LogHandler(self)
        logger = logging.getLogger("tuner_component")
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)


class _LogHandler(logging.Handler):
    def __init__(self, reporter: Reporter) -> None:
        super().__init__()
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if not self._reporter.mention(
            protocol.Logged(record.name, record.levelno, text)
        ):
            with contextlib.suppress(OSError):  # The log's disk may be full.
                print(text, file=sys.stderr)
