"""Telling the process that wants the result how the search is going."""

import select
from collections.abc import Mapping
from multiprocessing import connection
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search import events, protocol, trials


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
        max_trials=oracle.max_trials,
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
    """An observer that passes events on to the process that wants the result.

    Args:
        wire: Connection to that process. An event is left out where it is not
            listening: the search does not wait for it.
    """

    def __init__(self, wire: connection.Connection) -> None:
        self._wire = wire

    def __call__(self, event: events.Event) -> None:
        """Sends an event."""
        _, writable, _ = select.select([], [self._wire], [], 0)
        if not writable:
            return
        try:
            self._wire.send(protocol.Progress(event))
        except OSError:
            pass  # Its end will be noticed.
