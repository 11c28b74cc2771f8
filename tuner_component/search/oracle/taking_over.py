"""A tuner's oracle becomes one that survives, and does what the search asks for."""

from typing import Any, TypeVar

import keras_tuner

from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle import aims, decisions, trial_limit, warm_start
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.study.study import Study

_Durable = TypeVar("_Durable", bound=DurableOracle)


def take_over(
    kind: type[_Durable],
    oracle: keras_tuner.Oracle,
    study: Study,
    options: SearchOptions,
    **settings: Any,
) -> _Durable:
    """Tells an oracle what the search asks for, and wraps it.

    Args:
        kind: What it becomes.
        oracle: Of the tuner, fresh from its constructor: see `DurableOracle.open`.
        study: Open.
        options: Those of the search.
        **settings: Further ones of `DurableOracle.open`.

    Raises:
        StudyMismatchError: If the study was made with another oracle or objective.
        StorageError: If the journal cannot be written.
    """
    goals = aims.take_up(oracle, options)
    warm_start.start_from(oracle, options.known)
    decisions.end_when(oracle, options.stop_when)
    trial_limit.set_limit(oracle, options.max_trials)
    return kind.open(
        oracle,
        study,
        max_failed_trials=options.max_failed_trials,
        max_retries=options.max_retries,
        epochs=LearningCurves.of(options.stopping, oracle, goals),
        confirm_top=options.confirm_top,
        confirm_seeds=options.confirm_seeds,
        **settings,
    )
