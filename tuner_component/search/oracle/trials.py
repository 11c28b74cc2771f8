"""Reading the trials that an oracle knows."""

import math
from typing import Any

from keras_tuner.engine import trial as trial_lib


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


def settle_score(trial: Any) -> None:
    """Makes the score of a trial that has ended what its status says."""
    if trial.status != trial_lib.TrialStatus.COMPLETED:
        trial.score = None
    elif trial.score is None or not math.isfinite(trial.score):
        # An oracle that scores trials without `score_trial`.
        trial.status, trial.score = trial_lib.TrialStatus.FAILED, None
    else:
        trial.score = float(trial.score)  # As it comes back: no number of numpy's.
