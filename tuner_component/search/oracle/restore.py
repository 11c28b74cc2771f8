"""Puts an oracle where it was, from what the journal tells.

Nothing is replayed through the oracle: no suggestion is drawn and no model fitted again.
"""

import contextlib
import dataclasses
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.errors import StorageError, StudyMismatchError
from tuner_component.search.kerastuner.kerastuner_oracles import ResumableGrid
from tuner_component.search.oracle.shape import explain_change, shape_of
from tuner_component.search.oracle.state import OracleState, SpaceTable
from tuner_component.search.storage import plain
from tuner_component.search.study.history import History
from tuner_component.search.study.study import Study
from tuner_component.search.study.trial_history import TrialHistory

_log = logging.getLogger(__name__)

# What must not change between the runs of one search.
_IDENTITY = ("oracle", "objective", "objective_name", "direction")

_LOST = (
    "All records of this trial were lost with a damaged file of the journal; see its "
    "directory `quarantine`."
)


@dataclasses.dataclass(frozen=True)
class Restored:
    """What a search goes on from.

    Attributes:
        history: What the study's journal tells.
        spaces: The search spaces that it tells of.
        state: The oracle's state, as far as it is journaled.
        shape: What shapes the search today: see `shape_of`.
    """

    history: History
    spaces: SpaceTable
    state: OracleState
    shape: dict[str, Any]


def restore(oracle: keras_tuner.Oracle, study: Study) -> Restored:
    """Gives a fresh oracle the trials and the state that a study tells of.

    Says in a warning what has changed about the search since the study was made.

    Args:
        oracle: Repaired, and otherwise as its constructor, and the tuner's, left it.
        study: Open; of an oracle of the same kind, or new.

    Raises:
        StudyMismatchError: The study was made with another oracle or objective.
    """
    # Both are taken before anything changes the oracle.
    spaces, state, shape = SpaceTable(), OracleState(oracle), shape_of(oracle)
    with plain.collector_paused():
        history = History.of([*study.journal.records(), *study.asked_for])
        if not history.is_empty():
            _check_same_search(shape, history)
            with _explained(study):
                _restore(oracle, history, spaces, state)
    if changed := explain_change(shape, history, study):
        _log.warning("%s", changed)
    _extend(history, shape["max_trials"], study)
    return Restored(history, spaces, state, shape)


def _extend(history: History, max_trials: int | None, study: Study) -> None:
    """Has a search go on that is to have more trials than it was to have before."""
    if study.is_finished or history.opened is None or max_trials is None:
        return
    if history.falls_short_of(max_trials):
        history.extend(max_trials, time.time())
        _log.info(
            "The search in %s is extended to %d trials; there are %d by now.",
            study.directory,
            max_trials,
            len(history.trials),
        )


# What comes of records that no search wrote.
_NO_RECORDS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@contextlib.contextmanager
def _explained(study: Study) -> Iterator[None]:
    """Says what is the matter where records are not such as a search writes."""
    try:
        yield
    except _NO_RECORDS as error:
        raise StorageError(
            "Expected records of a search, from which its oracle can be restored. "
            f"Received in {study.directory}: others ({error!r}). Put the study's "
            "journal back from a copy, or choose another study directory."
        ) from error


def _check_same_search(shape: Mapping[str, Any], history: History) -> None:
    """Raises if a history is not of a search with this kind of oracle and objective."""
    told = dict(history.opened or {})
    if history.objective is not None:
        told["objective_name"], told["direction"] = history.objective
    for name in _IDENTITY:
        known = told.get(name, shape[name])
        if known != shape[name]:
            raise StudyMismatchError(
                f"Expected the {name} this study was made with: {known}. "
                f"Received: {shape[name]}. Choose another study directory for the new "
                "search."
            )


def _restore(
    oracle: keras_tuner.Oracle,
    history: History,
    spaces: SpaceTable,
    state: OracleState,
) -> None:
    for key, entries in history.spaces.items():
        spaces.add(key, entries)
    lost = history.lost()
    oracle.trials = {trial_id: _lost_trial(trial_id) for trial_id in lost}
    for trial in history.trials.values():
        oracle.trials[trial.trial_id] = _trial(trial, spaces)
    oracle.ongoing_trials = {}
    state.restore(_base_state(oracle, history, spaces, lost), history.state)
    if isinstance(oracle, ResumableGrid):
        oracle.rebuild_order(lost)


def _base_state(
    oracle: keras_tuner.Oracle, history: History, spaces: SpaceTable, lost: list[str]
) -> dict[str, Any]:
    """The part of an oracle's state that `keras_tuner.Oracle` itself has."""
    opened = history.opened or {}
    tried, id_to_hash = _hashes(oracle, history)
    space = oracle.hyperparameters
    # A space whose record is lost: today's is mostly the same, and better than none.
    if history.space is not None and history.space in spaces:
        space = spaces.hyperparameters(history.space, history.values)
    return {
        "ongoing_trials": {},
        "hyperparameters": space.get_config(),
        "start_order": [*lost, *history.trials],
        "end_order": [*lost, *history.end_order],
        "run_times": {i: run_times(t) for i, t in history.trials.items()},
        "retry_queue": [],
        "seed": opened.get("seed", oracle.seed),
        "seed_state": history.seed_state or oracle._seed_state,
        "tried_so_far": tried,
        "id_to_hash": id_to_hash,
        "display": oracle._display.get_state(),
    }


def _trial(told: TrialHistory, spaces: SpaceTable) -> Any:
    hyperparameters = spaces.hyperparameters(told.space, told.values)
    trial = trial_lib.Trial(hyperparameters, told.trial_id)
    take_end(trial, told)
    return trial


def take_end(trial: Any, told: TrialHistory) -> None:
    """Gives a trial the end that a study tells of, if it has ended."""
    if told.ended is not None:
        trial.status = told.ended["status"]
        trial.score = told.ended["score"]
        trial.best_step = told.ended["best_step"]
        trial.message = told.ended.get("message")
        trial.metrics = type(trial.metrics).from_config(told.ended["metrics"])


def _lost_trial(trial_id: str) -> Any:
    """Holds a lost trial's place: KerasTuner counts trials to name the next."""
    return trial_lib.Trial(
        keras_tuner.HyperParameters(),
        trial_id,
        trial_lib.TrialStatus.FAILED,
        message=_LOST,
    )


def run_times(trial: TrialHistory) -> int:
    """How often a trial was run to an end, good or bad."""
    failed = sum(bool(attempt.get("failed")) for attempt in trial.since_retry)
    return failed + (trial.ended is not None)


def _hashes(
    oracle: keras_tuner.Oracle, history: History
) -> tuple[list[str], dict[str, str]]:
    """What KerasTuner looks at to suggest nothing twice."""
    id_to_hash = {
        trial_id: oracle._compute_values_hash(trial.values)
        for trial_id, trial in history.trials.items()
    }
    return list(set(id_to_hash.values())), id_to_hash
