"""Finds what would fail the first trials, before the first one.

It takes seconds, and a process of its own: what it does cannot be seen from a trial. It
refuses a search only where KerasTuner itself would give up; where it is not sure, it warns.
"""

import contextlib
import dataclasses
import functools
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
from keras_tuner.engine import base_tuner

from tuner_component.search.errors import PreflightError
from tuner_component.search.machine import forked, memory
from tuner_component.search.options import NOTHING, SearchOptions
from tuner_component.search.study.study import Study
from tuner_component.search.training import objective, seeding, stock_loop

_log = logging.getLogger("tuner_component")

# It includes the time that `tuner_fn` takes to prepare the data.
TIMEOUT_S = 180.0
# More points are not tried: this search gives up after as many failures in a row.
_MOST_POINTS = 10
# Oracles that talk to nobody, if none of the other kind: a copy can be asked for trials
# that are never run. A service would wait for their results for ever.
_KNOWN_ORACLES = ("keras_tuner", "tuner_component")
# Callbacks without which a training is the same, and reports the same.
_SILENT = {
    keras.callbacks.BackupAndRestore,
    keras.callbacks.CSVLogger,
    keras.callbacks.EarlyStopping,
    keras.callbacks.History,
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.ProgbarLogger,
    keras.callbacks.ReduceLROnPlateau,
    keras.callbacks.TensorBoard,
    keras.callbacks.TerminateOnNaN,
}
# What TensorFlow says of trouble that may be over by the time of a trial.
_PASSING = {
    "AbortedError",
    "CancelledError",
    "DataLossError",
    "DeadlineExceededError",
    "InternalError",
    "UnavailableError",
    "UnknownError",
}


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is wrong with a search.

    Attributes:
        message: What, for people.
        certain: Whether no search with this module could have a result.
    """

    message: str
    certain: bool


def is_wanted(options: SearchOptions, study: Study) -> bool:
    """Whether a search is checked.

    One in which a trial has ended is not, nor one that starts from points of the user's
    own: it is not known here which trials are the first.

    Args:
        options: Those of the search.
        study: Its study, open.
    """
    return options.preflight and options.known == NOTHING and study.is_untried


class Check:
    """The check of one search, in a process of its own, from now on.

    Where this process must not be forked, nothing is checked.

    Args:
        make: Called there: makes the user's tuner, and the arguments for its `search`.
        seed: Seeds the models.
    """

    def __init__(
        self, make: Callable[[], tuple[Any, Mapping[str, Any]]], seed: int
    ) -> None:
        self._call: forked.ForkedCall[Finding | None] | None = None
        if (obstacle := forked.obstacle()) is None:
            self._call = forked.ForkedCall(functools.partial(_look, make, seed))
        else:
            _log.info("No check before the first trial: %s.", obstacle)

    def settle(self, warn: Callable[[str], None] = _log.warning) -> None:
        """Waits for what the check finds; warns of it, or raises.

        Args:
            warn: How to warn.

        Raises:
            PreflightError: If the search cannot have a result.
        """
        if self._call is None:
            return
        with contextlib.closing(self._call):
            try:
                finding = self._call.result(TIMEOUT_S)
            except forked.ForkedCallError as error:
                finding = Finding(f"It came to nothing: {error}.", certain=False)
        if finding is None:
            return
        if finding.certain:
            raise PreflightError(finding.message)
        warn(
            "The check before the first trial is not sure, so the search goes on. "
            + finding.message
        )


def _look(
    make: Callable[[], tuple[Any, Mapping[str, Any]]], seed: int
) -> Finding | None:
    try:
        tuner, fit_kwargs = make()
    except Exception as error:  # noqa: BLE001 - the search calls it, too
        return Finding(f"Making the tuner failed there: {error}", certain=False)
    return check(tuner, fit_kwargs, seed)


def check(
    tuner: base_tuner.BaseTuner, fit_kwargs: Mapping[str, Any], seed: int
) -> Finding | None:
    """Trains the first trial's model on one batch, and looks for the objective.

    If that fails, so it does with the next trials, up to as many as KerasTuner lets fail
    in a row. Not for a process that searches: it uses up trials and data.

    Args:
        tuner: The user's tuner, before `search` is called.
        fit_kwargs: Arguments for its `search`.
        seed: Seeds the models.

    Returns:
        What is wrong; None if the first trial trains, or if it is not known what trials
        do: the tuner or its hypermodel trains in a way of its own.
    """
    if not stock_loop.is_known(tuner):
        return None
    findings: list[Finding] = []
    enough = _points_to_fail(tuner.oracle)
    for hp in _first_points(tuner.oracle):
        seeding.seed_everything(seed)
        finding = _try(tuner, hp, fit_kwargs)
        if finding is None:
            break
        findings.append(finding)
        if not finding.certain or len(findings) == enough:
            break
    if not findings:
        return None
    sure = len(findings) == enough and all(finding.certain for finding in findings)
    if not sure:
        return Finding(f"The first trial may fail. {findings[0].message}", False)
    return Finding(
        f"{findings[0].message} It is the same with each of the first {len(findings)} "
        "trials. Correct that, or do without this check: set "
        "skip_preflight.",
        certain=True,
    )


def _points_to_fail(oracle: Any) -> float:
    """How many trials have to fail until there can be no result."""
    if not _is_known(oracle):
        return float("inf")
    limit: int = oracle.max_consecutive_failed_trials
    return min(limit, oracle.max_trials or limit)


def _first_points(oracle: Any) -> Iterator[Any]:
    """The hyperparameters of the first trials, if each one before has failed."""
    if not _is_known(oracle):
        yield oracle.get_space()
        return
    oracle.verbose = 0
    for name in ("save", "_save_trial", "_check_consecutive_failures"):
        setattr(oracle, name, lambda *_: None)
    for _ in range(_MOST_POINTS):
        trial = oracle.create_trial("check")
        if trial.status != "RUNNING":
            return
        yield trial.hyperparameters
        trial.status = "FAILED"
        oracle.end_trial(trial)


def _is_known(oracle: Any) -> bool:
    if getattr(oracle, "suggests_elsewhere", False):
        return False
    return type(oracle).__module__.partition(".")[0] in _KNOWN_ORACLES


def _try(tuner: Any, hp: Any, fit_kwargs: Mapping[str, Any]) -> Finding | None:
    """Trains one model on one batch."""
    silent = _are_silent(fit_kwargs.get("callbacks"))
    try:
        model = tuner._try_build(hp)
        if not stock_loop.is_plain(model):
            return None
        # What is compiled to take several steps at a time takes no fewer.
        at_once = getattr(model, "steps_per_execution", 1)
        few = {
            "callbacks": [],
            "epochs": 1,
            "initial_epoch": 0,
            "steps_per_epoch": at_once if isinstance(at_once, int) else 1,
            "validation_steps": 1,
            "verbose": 0,
        }
        history = tuner.hypermodel.fit(hp, model, **{**fit_kwargs, **few})
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises
        return Finding(
            "Expected the model to train on one batch. Received: "
            f"{_described(error)}\nThe hyperparameters are {hp.values}.",
            certain=silent and not _may_pass(error),
        )
    reported = history.history
    lack = objective.lack_of(tuner.oracle.objective, reported, "the training")
    return Finding(lack, certain=silent) if lack else None


def _are_silent(callbacks: Any) -> bool:
    return all(
        callback is None or type(callback) in _SILENT
        for callback in keras.tree.flatten(callbacks)
    )


def _may_pass(error: Exception) -> bool:
    """Whether an error may have to do with this moment, not with the module."""
    return (
        isinstance(error, (OSError, EOFError))
        or memory.ran_out(error)
        or type(error).__name__ in _PASSING
    )


def _described(error: Exception) -> str:
    text = "".join(traceback.format_exception(error)).rstrip()
    return f"{type(error).__name__}: {error}. Its traceback:\n{text}"
