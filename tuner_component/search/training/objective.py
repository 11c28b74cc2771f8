"""What is said when a trial does not report the tuner's objective, and how soon.

KerasTuner trains such a trial to its end, and fails it with a bare KeyError.
"""

import threading
from collections.abc import Collection, Mapping
from typing import Any

import keras
import keras_tuner
from keras_tuner import errors
from keras_tuner.engine import base_tuner

from tuner_component.search.epoch_state import process_bound
from tuner_component.search.spelling import did_you_mean
from tuner_component.search.training import stock_loop


class ObjectiveError(Exception):
    """A trial does not report the objective, so it fails. Others may report it."""


def lack_of(
    objective: keras_tuner.Objective, reported: Collection[str], source: str
) -> str | None:
    """Says that the objective is not reported; None if it is.

    Args:
        objective: The tuner's, or several.
        reported: Names of metrics.
        source: What reports them.
    """
    if objective.name == "default_objective":
        return None  # Any value will do.
    # A list of objectives has no metric of its own name.
    names = getattr(objective, "name_to_direction", [objective.name])
    missing = [name for name in names if name not in reported]
    if not missing:
        return None
    validation = (
        " One that starts with 'val_' needs validation_data or validation_split, and "
        "validation after each epoch: leave validation_freq out."
    )
    return (
        f"Expected the objective {missing[0]!r} among the metrics that {source} reports "
        f"after each epoch. Received: {sorted(reported)}."
        f"{did_you_mean(missing[0], reported)} Name one of these in the tuner's "
        "objective, or compile the model with that metric."
        + (validation if missing[0].startswith("val_") else "")
    )


def require_objective(tuner: base_tuner.BaseTuner) -> None:
    """Has each trial that does not report the objective fail with a clear message.

    If KerasTuner itself trains the model, that is after the first epoch without it: later
    ones cannot make that good. (Unless a callback of the user's has something to do at the
    end of the training: it may add to the history then.) Only methods of this one tuner
    are replaced; its class, and every other tuner, are left alone.
    """
    run_trial = tuner.run_trial
    waits = threading.local()  # A tuner of the user's may run several trials at once.

    def run_checked(trial: Any, *args: Any, **kwargs: Any) -> Any:
        waits.for_end = any(map(_has_last_word, _each(kwargs.get("callbacks"))))
        results = run_trial(trial, *args, **kwargs)
        _check(tuner, trial, results)
        return results

    tuner.run_trial = run_checked
    if stock_loop.trains(tuner):
        _check_epochs(tuner, waits)


def _each(callbacks: Any) -> list[Any]:
    return [each for each in keras.tree.flatten(callbacks) if each is not None]


def _has_last_word(callback: Any) -> bool:
    """Whether code of the user's runs at the end of a training."""
    method = getattr(callback, "on_train_end", None)
    function = getattr(method, "__func__", method)
    return function is not None and not process_bound.is_of_library(function)


def _check_epochs(tuner: Any, waits: threading.local) -> None:
    on_epoch_end = tuner.on_epoch_end

    def check_epoch(trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
        # By now it has the metrics that the user's callbacks add.
        on_epoch_end(trial, model, epoch, logs=logs)
        # What has no loss is no usual epoch: see what its history comes to.
        usual = logs and "loss" in logs and stock_loop.is_plain(model)
        if usual and not getattr(waits, "for_end", False):
            # A callback may also write into the history itself.
            reported = {**logs, **model.history.history}
            lack = lack_of(tuner.oracle.objective, reported, "the training")
            if lack:
                raise ObjectiveError(lack)

    tuner.on_epoch_end = check_epoch


def _check(tuner: base_tuner.BaseTuner, trial: Any, results: Any) -> None:
    if isinstance(results, list):
        for result in results:
            _check(tuner, trial, result)
        return
    objective = tuner.oracle.objective
    if isinstance(results, keras.callbacks.History):
        lack = lack_of(objective, _of_each_epoch(results.history), "the trial")
    elif isinstance(results, dict):
        lack = lack_of(objective, results, "the trial")
    else:
        return
    # A trial may also have told the oracle: then KerasTuner looks at nothing else.
    known = tuner.oracle.get_trial(trial.trial_id).metrics if lack else None
    if not lack or (known and known.exists(objective.name)):
        return
    if isinstance(results, dict):
        raise errors.FatalValueError(lack)  # KerasTuner ends the search for it, too.
    raise ObjectiveError(lack)


def _of_each_epoch(history: Mapping[str, list[Any]]) -> list[str]:
    """The metrics that have as many values as any."""
    epochs = max(map(len, history.values()), default=0)
    return [name for name, values in history.items() if len(values) == epochs]
