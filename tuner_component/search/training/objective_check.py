"""Guards around a user's tuner against known faults of KerasTuner 1.4.

They replace methods of the one instance, and leave its class and every other tuner
alone.
"""

from typing import Any

import keras_tuner
from keras_tuner import errors
from keras_tuner.engine import base_tuner


def require_objective(tuner: base_tuner.BaseTuner) -> None:
    """Stops the search at the first trial that does not report the objective.

    KerasTuner would fail three trials with a bare KeyError first.
    """
    run_trial = tuner.run_trial

    def run_checked(trial: Any, *args: Any, **kwargs: Any) -> Any:
        results = run_trial(trial, *args, **kwargs)
        _check_reported(results, tuner.oracle.objective)
        return results

    tuner.run_trial = run_checked


def _check_reported(results: Any, objective: keras_tuner.Objective) -> None:
    if isinstance(results, list):
        for result in results:
            _check_reported(result, objective)
        return
    metrics = getattr(results, "history", results)  # A keras History, or a dict.
    if not isinstance(metrics, dict):
        return
    missing = [name for name in _names(objective) if name not in metrics]
    if missing:
        raise errors.FatalValueError(
            f"Expected the objective {missing[0]!r} among the metrics that the trial "
            f"reports. Received: {sorted(metrics)}. Name one of these in the tuner's "
            "objective, compile the model with that metric, or pass validation_data "
            "for one that starts with 'val_'."
        )


def _names(objective: keras_tuner.Objective) -> list[str]:
    """The metrics that make up the objective; none where any value will do."""
    if objective.name == "default_objective":
        return []
    # A list of objectives has no metric of its own name.
    return list(getattr(objective, "name_to_direction", [objective.name]))
