"""Finds what would fail every trial: before the first one, or at its end.

The check before takes seconds, and knows only trainings that KerasTuner starts itself.
That the objective is missing is found at the end of the first trial, whatever trains.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import keras_tuner
from keras_tuner import errors
from keras_tuner.engine import base_tuner

from tuner_component.search.errors import PreflightError
from tuner_component.search.training import seeding

_REMEDY = (
    "Correct the module, or do without this check if only the default hyperparameters "
    "are at fault: TuneArgs(skip_preflight=True)."
)


def prepared(
    make: Callable[[], tuple[Any, Mapping[str, Any]]], seed: int, wanted: bool
) -> tuple[Any, Mapping[str, Any]]:
    """Makes the tuner of a search, after a check of another one if wanted.

    The check reads from the data, and a dataset may remember that (the order in which it
    is shuffled, what it caches): trials would differ from those of a search that is
    resumed, and not checked. So they get data that was never read from.

    Args:
        make: Returns a new tuner and the arguments for its `search`.
        seed: Seeds the model of the check.
        wanted: Whether to check.

    Raises:
        PreflightError: See `check`.
    """
    if wanted:
        check(*make(), seed)
    return make()


def check(
    tuner: base_tuner.BaseTuner, fit_kwargs: Mapping[str, Any], seed: int
) -> None:
    """Builds the default model, trains it on one batch, and looks for the objective.

    A model is trained only if KerasTuner itself would call its `fit`; what a `run_trial`
    or `HyperModel.fit` of the user's own does is not known.

    Args:
        tuner: The user's tuner, before `search` is called.
        fit_kwargs: Arguments for its `search`.
        seed: Seeds the model.

    Raises:
        PreflightError: If something fails, or the objective is not reported.
    """
    if tuner.hypermodel is None:
        return
    seeding.seed_everything(seed)
    try:
        build = getattr(tuner, "_build_hypermodel", tuner.hypermodel.build)
        model = build(tuner.oracle.get_space())
    except Exception as error:
        raise PreflightError(
            "Expected the hypermodel to build a model with the default "
            f"hyperparameters. Received: {type(error).__name__}: {error}. {_REMEDY}"
        ) from error
    if _is_fitted_by_keras_tuner(tuner) and isinstance(model, keras.Model):
        logs = _train(tuner, model, fit_kwargs)
        lack = _lack_of_objective(tuner.oracle.objective, logs, "training")
        if logs and lack:
            raise PreflightError(lack)
    keras.backend.clear_session()


def _is_fitted_by_keras_tuner(tuner: Any) -> bool:
    cls, stock = type(tuner), keras_tuner.Tuner
    return (
        isinstance(tuner, stock)
        and cls.run_trial in (stock.run_trial, keras_tuner.Hyperband.run_trial)
        and cls._build_and_fit_model
        in (stock._build_and_fit_model, keras_tuner.Hyperband._build_and_fit_model)
        and type(tuner.hypermodel).fit is keras_tuner.HyperModel.fit
    )


def _train(tuner: Any, model: Any, fit_kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Trains on one batch; returns what Keras reports."""
    fit = model.fit
    if hasattr(fit_kwargs.get("x"), "__next__"):
        return {}  # A generator would lack the batch afterwards.

    @functools.wraps(fit)
    def fit_one_batch(*args: Any, **kwargs: Any) -> Any:
        few = {"epochs": 1, "initial_epoch": 0, "steps_per_epoch": 1}
        quiet = {"validation_steps": 1, "verbose": 0, "callbacks": []}
        return fit(*args, **{**kwargs, **few, **quiet})

    object.__setattr__(model, "fit", fit_one_batch)
    try:
        history = tuner.hypermodel.fit(tuner.oracle.get_space(), model, **fit_kwargs)
    except Exception as error:
        raise PreflightError(
            "Expected the default model to train on one batch. Received: "
            f"{type(error).__name__}: {error}. {_REMEDY}"
        ) from error
    return dict(history.history)


def require_objective(tuner: base_tuner.BaseTuner) -> None:
    """Makes the first trial that does not report the objective end the search.

    KerasTuner 1.4 would fail three trials with a bare KeyError first. Only the method
    of this one tuner is replaced; its class, and every other tuner, are left alone.
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
    if isinstance(metrics, dict) and (
        lack := _lack_of_objective(objective, metrics, "the trial")
    ):
        raise errors.FatalValueError(lack)


def _lack_of_objective(
    objective: keras_tuner.Objective, metrics: Mapping[str, Any], source: str
) -> str | None:
    """Says that metrics lack the objective; None if they do not."""
    if objective.name == "default_objective":
        return None  # Any value will do.
    # A list of objectives has no metric of its own name.
    names = getattr(objective, "name_to_direction", [objective.name])
    missing = [name for name in names if name not in metrics]
    if not missing:
        return None
    return (
        f"Expected the objective {missing[0]!r} among the metrics that {source} "
        f"reports. Received: {sorted(metrics)}. Name one of these in the tuner's "
        "objective, compile the model with that metric, or pass validation_data for one "
        "that starts with 'val_'."
    )
