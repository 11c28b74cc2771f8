"""Reading the trials that an oracle knows."""

import math
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search.errors import SearchFailedError


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


def first_failure(oracle: Any) -> trial_lib.Trial | None:
    """Returns the first trial, in order of their start, that carries an error."""
    for trial in oracle.trials.values():
        if trial.message and not is_scored(trial):
            return trial
    return None


def check_completed(oracle: Any) -> None:
    """Raises unless at least one trial completed.

    Raises:
        SearchFailedError: With the first traceback among the failed trials.
    """
    if ranked(oracle):
        return
    failure = first_failure(oracle)
    if failure is None:
        raise SearchFailedError(
            "Expected at least one completed trial. Received: "
            f"{len(oracle.trials)} trials, none completed. Check that the oracle's "
            "max_trials is at least 1 and that the search space is not empty."
        )
    raise SearchFailedError(
        f"Expected at least one completed trial. Received: {len(oracle.trials)} "
        f"trials, all failed. The first one, {failure.trial_id} with "
        f"{failure.hyperparameters.values}, failed with:\n{failure.message}"
    )
