"""Puts a search that is named in the place of a tuner's own, and leaves all else."""

import math
import numbers
from collections.abc import Mapping
from typing import Any

import keras_tuner

from tuner_component.oracles import names
from tuner_component.oracles.auto_oracle import AutoOracle
from tuner_component.oracles.optuna_oracle import OptunaOracle

# What a tuner, or its user, has set on the oracle that is replaced.
_SETTINGS = (
    "objective",
    "directory",
    "project_name",
    "multi_worker",
    "should_report",
    "verbose",
)


def replace_oracle(
    tuner: Any, search: str, fit_kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Gives a tuner another oracle, with the settings and the space of its own.

    Hyperband has no number of trials, and sets the epochs of each: the search in its
    place trains as much in all, and each trial for at most its `max_epochs`; "auto" tries as
    many points, which it pauses and continues as it sees fit.

    Args:
        tuner: Fresh from its constructor.
        search: One of `names.SEARCHES`.
        fit_kwargs: The arguments for its `search`.

    Returns:
        The arguments for its `search` from now on.

    Raises:
        ValueError: If there is no such search.
        ImportError: If a package is missing that it needs.
    """
    names.check(search)
    own, arguments = tuner.oracle, dict(fit_kwargs)
    max_trials = own.max_trials
    if isinstance(own, keras_tuner.oracles.HyperbandOracle):
        arguments["epochs"] = own.max_epochs
        max_trials = _points_of(own) if search == "auto" else _trainings_of(own)
    oracle = _new_oracle(
        search,
        arguments.get("epochs"),
        max_trials=max_trials,
        seed=own.seed,
        hyperparameters=own.hyperparameters,
        tune_new_entries=own.tune_new_entries,
        allow_new_entries=own.allow_new_entries,
        max_retries_per_trial=own.max_retries_per_trial,
        max_consecutive_failed_trials=own.max_consecutive_failed_trials,
    )
    for name in _SETTINGS:
        setattr(oracle, name, getattr(own, name))
    # KerasTuner can read the trials only with an oracle of this class.
    tuner.oracle, tuner.replaced_oracle = oracle, own
    return arguments


def _new_oracle(search: str, epochs: Any, **settings: Any) -> keras_tuner.Oracle:
    if search != "auto":
        return OptunaOracle(sampler=search, **settings)
    known = isinstance(epochs, numbers.Integral) and int(epochs) > 0
    return AutoOracle(epochs=int(epochs) if known else None, **settings)


def _points_of(oracle: Any) -> int | None:
    """How many points Hyperband tries."""
    if math.isinf(oracle.hyperband_iterations):
        return None
    each = range(oracle._get_num_brackets())
    points: int = sum(oracle._get_size(bracket, 0) for bracket in each)
    return points * int(oracle.hyperband_iterations)


def _trainings_of(oracle: Any) -> int | None:
    """How many trainings to the end take as many epochs as all of Hyperband's trials."""
    if math.isinf(oracle.hyperband_iterations):
        return None
    epochs = sum(
        oracle._get_size(bracket, number)
        * (
            oracle._get_epochs(bracket, number)
            - (oracle._get_epochs(bracket, number - 1) if number else 0)
        )
        for bracket in range(oracle._get_num_brackets())
        for number in range(oracle._get_num_rounds(bracket))
    )
    trainings: int = math.ceil(oracle.hyperband_iterations * epochs / oracle.max_epochs)
    return trainings
