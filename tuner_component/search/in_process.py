"""Running a search in this process: sequentially, so that a debugger works."""

from typing import Any

from keras_tuner import errors
from keras_tuner.engine import base_tuner

from tuner_component.search import shields, trials
from tuner_component.search.errors import SearchFailedError


def run(tuner: base_tuner.BaseTuner, fit_kwargs: dict[str, Any]) -> None:
    """Runs `tuner.search(**fit_kwargs)` until it is over.

    Args:
        tuner: The user's tuner.
        fit_kwargs: Arguments for its `search`.

    Raises:
        SearchFailedError: If no trial completed, or too many failed in a row; with
            the traceback of the first failed trial.
    """
    shields.reject_non_finite_scores(tuner.oracle)
    shields.require_objective(tuner)
    try:
        tuner.search(**fit_kwargs)
    except errors.FatalError:
        raise
    except RuntimeError as error:
        if trials.first_failure(tuner.oracle) is None:
            raise
        raise _failed(tuner, error) from error
    trials.check_completed(tuner.oracle)


def _failed(tuner: base_tuner.BaseTuner, error: RuntimeError) -> SearchFailedError:
    failure = trials.first_failure(tuner.oracle)
    assert failure is not None
    completed = len(trials.ranked(tuner.oracle))
    return SearchFailedError(
        "Expected the search to run to its end. Received: "
        f"{str(error).splitlines()[0]} ({completed} trials had completed.) The first "
        f"failed trial, {failure.trial_id} with {failure.hyperparameters.values}, "
        f"ended with:\n{failure.message}"
    )
