"""What observers are told of a search, read off its oracle and its trials."""

from collections.abc import Mapping
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search import events
from tuner_component.search.oracle import trials


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
