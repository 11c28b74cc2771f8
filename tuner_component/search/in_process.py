"""Running a search in this process: sequentially, so that a debugger works."""

from collections.abc import Mapping
from typing import Any

from keras_tuner import errors
from keras_tuner.engine import base_tuner

from tuner_component.search import files, shields, trials, tuner_state
from tuner_component.search.durable_oracle import DurableOracle
from tuner_component.search.errors import SearchFailedError
from tuner_component.search.study import Study, StudyState


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


def run_durably(
    tuner: base_tuner.BaseTuner,
    fit_kwargs: Mapping[str, Any],
    study: Study,
    *,
    max_failed_trials: int | None = None,
) -> None:
    """Runs `tuner.search(**fit_kwargs)` so that nothing finished is ever lost.

    Run again on the same study after whatever stopped it, it goes on where it was. The
    tuner keeps the durable oracle, to be asked for its best trials.

    Args:
        tuner: The user's tuner, fresh from its constructor.
        fit_kwargs: Arguments for its `search`.
        study: Open. A finished one is not extended: the tuner's oracle only gets to know
            its trials.
        max_failed_trials: How many trials may fail; see `FailureLimit`.

    Raises:
        SearchFailedError: If no trial completed, or too many failed; with the traceback
            of the first failed trial.
        StorageError: If a result could not be made durable.
    """
    oracle = DurableOracle(
        tuner.oracle, study, max_failed_trials=max_failed_trials, display=True
    )
    tuner.oracle = oracle
    if study.state is StudyState.FINISHED:
        return
    tuner_state.keep_in(tuner, files.join(study.directory, "tuner.json"))
    shields.require_objective(tuner)
    tuner.search(**fit_kwargs)
    oracle.finish()


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
