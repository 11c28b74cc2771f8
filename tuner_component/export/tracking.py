"""Trackers: what is told of a search while it runs, beside its own record.

A tracker works in a thread of its own, and is asked for nothing that the search waits for.
One that fails is left out after one warning: the record of the study has everything, and
what is missing can be brought later (`tuner-component export`).
"""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Iterator, Sequence

from tuner_component.export import telling
from tuner_component.export.telling import Ending, Runs, Subject
from tuner_component.report.loading import load_study
from tuner_component.report.record import RUNNING, StudyRecord
from tuner_component.search import events

# Seconds that a search which is over waits for a tracker; and one that was stopped, which
# may be killed any moment.
_PATIENCE_S, _HASTE_S = 30.0, 5.0

_log = logging.getLogger("tuner_component")


@contextlib.contextmanager
def watching(
    trackers: Sequence[str], study_directory: str
) -> Iterator[list[events.Observer]]:
    """The observers that stand for trackers.

    Args:
        trackers: Their names.
        study_directory: Path or URI of the study. Afterwards its record brings what the
            events did not.
    """
    threads = [Tracker(name, study_directory) for name in dict.fromkeys(trackers)]
    patience = _HASTE_S
    try:
        yield list(threads)
        patience = _PATIENCE_S
    finally:
        for thread in threads:
            thread.close(patience)


def connected(tracker: str, study_id: str) -> Runs:
    """The runs of a study where a tracker has them.

    Args:
        tracker: Its name.
        study_id: Of the study.

    Raises:
        Exception: Any, if it is not there.
    """
    # Each needs a library that takes seconds to import.
    if tracker == "wandb":
        from tuner_component.export import wandb_process

        runs = wandb_process.RemoteRuns(study_id)
        _log.info("Weights & Biases: %s.", runs.place)
        return runs
    from tuner_component.export import mlflow_runs

    return mlflow_runs.Runs(study_id)


class Tracker:
    """An observer that tells a tracker what happens.

    Args:
        name: The tracker's.
        study_directory: Path or URI of the study.
    """

    def __init__(self, name: str, study_directory: str) -> None:
        self._name = name
        self._directory = study_directory
        self._events: queue.SimpleQueue[events.Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._over = False
        self._connection: Runs | None = None
        self._paused: set[str] = set()
        self._objective = ""
        # The epochs that were told, by trial: events may be left out, and a training may
        # go on from what another run of the search had saved.
        self._told: dict[str, set[tuple[int, int]]] = {}

    def __call__(self, event: events.Event) -> None:
        """Takes note of an event."""
        if self._over:
            return  # Nobody takes it, and a long search has millions.
        if isinstance(event, events.SearchStarted) and self._thread is None:
            # Not before: this process may be copied (by fork) until its search begins.
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.name = "tuner_component_tracker"
            self._thread.start()
        self._events.put(event)

    def close(self, patience_s: float = _PATIENCE_S) -> None:
        """Waits until all is told, but not for longer than so many seconds."""
        if self._thread is None:
            return
        self._events.put(None)
        self._thread.join(patience_s)
        if self._thread.is_alive():
            self._warn(f"it has not taken everything within {patience_s:g} seconds")
            if self._connection is not None:
                self._connection.abandon()

    def _work(self) -> None:
        try:
            while (event := self._events.get()) is not None:
                self._tell(event)
            self._finish()
        except Exception as error:  # noqa: BLE001
            self._warn(repr(error))
        finally:
            # What is told from now on has nobody to hear it.
            if self._connection is not None:
                with contextlib.suppress(Exception):
                    self._connection.close()

    def _finish(self) -> None:
        """Brings what is missing, and what has come of the search."""
        study = load_study(self._directory)
        runs = self._connected(study.study_id)
        telling.complete(runs, study, self._in_part(study))

    def _in_part(self, study: StudyRecord) -> set[str]:
        """Ids of the trials of which epochs were not told."""
        return {
            trial.trial_id
            for trial in (*study.trials, *study.reruns)
            if trial.trial_id in self._told
            and {place for place, _ in telling.epochs(trial)}
            - self._told[trial.trial_id]
        }

    def _connected(self, study_id: str) -> Runs:
        if self._connection is None:
            self._connection = connected(self._name, study_id)
        return self._connection

    @property
    def _runs(self) -> Runs:
        return self._connected(self._directory.rstrip("/").rpartition("/")[2])

    def _warn(self, why: str) -> None:
        if self._over:
            return
        self._over = True
        where = "--wandb" if self._name == "wandb" else f"--{self._name} URI"
        _log.warning(
            "Going on without the tracker %s: %s. The study has everything; "
            "`tuner-component export %s %s` brings what is missing.",
            self._name,
            why,
            self._directory,
            where,
        )

    def _tell(self, event: events.Event) -> None:
        if isinstance(event, events.SearchStarted):
            self._connected(event.study_directory.rstrip("/").rpartition("/")[2])
            self._paused, self._objective = set(event.paused), event.objective
        elif isinstance(event, events.TrialStarted):
            self._start(event)
        elif isinstance(event, events.TrialPaused):
            self._paused.add(event.trial_id)
        elif isinstance(event, events.EpochEnded) and self._runs_now(event):
            self._log(event)
        elif isinstance(event, events.TrialEnded) and self._runs_now(event):
            self._end(event)

    def _runs_now(self, event: events.EpochEnded | events.TrialEnded) -> bool:
        """Whether an event is of a trial whose beginning was told."""
        return self._runs.status(event.trial_id) == RUNNING

    def _start(self, event: events.TrialStarted) -> None:
        status = self._runs.status(event.trial_id)
        if status is not None and event.trial_id in self._paused:
            self._paused.discard(event.trial_id)
            return  # It goes on.
        if status is not None:
            self._runs.drop(event.trial_id)
        self._told[event.trial_id] = set()
        self._runs.begin(self._subject(event), event.values, time.time())

    def _subject(self, event: events.TrialStarted) -> Subject:
        if event.confirms is None:
            return Subject(event.trial_id)
        # Which re-run it is stands in the record, before anybody hears of it.
        known = telling.subjects(load_study(self._directory))
        unknown = Subject(event.trial_id, event.confirms)
        return known.get(event.trial_id, unknown)

    def _log(self, event: events.EpochEnded) -> None:
        place = event.fit, event.epoch
        self._told.setdefault(event.trial_id, set()).add(place)
        found = telling.metrics(event.metrics, event.fit)
        self._runs.log(event.trial_id, [(event.epoch, found)])

    def _end(self, event: events.TrialEnded) -> None:
        figures = telling.metrics({telling.score(self._objective): event.score})
        cause = events.cause_of(event.message or "") or None
        failed_with = None if event.completed else telling.cause(cause)
        self._runs.end(event.trial_id, Ending(event.completed, figures, failed_with))
