"""A durable search in this very process, one trial after another."""

from collections.abc import Mapping
from typing import Any

from tuner_component.search.durable_oracle import DurableOracle
from tuner_component.search.study import Study, StudyState


def search_in_process(
    tuner: Any,
    fit_kwargs: Mapping[str, Any],
    study: Study,
    *,
    max_failed_trials: int | None = None,
) -> DurableOracle:
    """Runs `tuner.search(**fit_kwargs)` so that nothing finished is ever lost.

    The tuner keeps the durable oracle, to be asked for its best trials.

    Args:
        tuner: a `keras_tuner` `BaseTuner`, fresh from its constructor.
        fit_kwargs: what its `search` is called with.
        study: open; a finished one is not extended, only read.
        max_failed_trials: see `DurableOracle`.

    Returns:
        The tuner's durable oracle.

    Raises:
        SearchFailedError: too many trials failed, or all of them.
        StorageError: a result could not be made durable.
    """
    oracle = DurableOracle(
        tuner.oracle, study, max_failed_trials=max_failed_trials, display=True
    )
    tuner.oracle = oracle
    if study.state is not StudyState.FINISHED:
        tuner.search(**fit_kwargs)
        oracle.finish()
    return oracle
