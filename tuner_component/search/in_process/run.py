"""Running a search in this process: sequentially, so that a debugger works."""

import contextlib
import gc
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from keras_tuner.engine import base_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search import events
from tuner_component.search.errors import SearchInterruptedError, how_to_go_on
from tuner_component.search.in_process.interruption import (
    InterruptibleOracle,
    Interruption,
    TrialInterrupted,
)
from tuner_component.search.machine import disk_space
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle import announcements, trials, warm_start
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.oracle.facade import OracleFacade
from tuner_component.search.stopping.curves import EpochBook
from tuner_component.search.storage import files
from tuner_component.search.study.study import Study
from tuner_component.search.training import (
    dataset_iterators,
    objective_check,
    tuner_state,
)
from tuner_component.search.training.instrument import instrument
from tuner_component.search.training.weights_cleaner import CheckpointCleaner

_DEFAULTS = SearchOptions()

_log = logging.getLogger("tuner_component")


def run_in_process(
    tuner: base_tuner.BaseTuner,
    fit_kwargs: Mapping[str, Any],
    study: Study,
    options: SearchOptions = _DEFAULTS,
    observer: events.Observer | None = None,
) -> bool:
    """Runs `tuner.search(**fit_kwargs)` so that nothing finished is ever lost.

    Run again on the same study after whatever stopped it, it goes on where it was. The
    tuner keeps the durable oracle, to be asked for its best trials.

    Args:
        tuner: The user's tuner, fresh from its constructor.
        fit_kwargs: Arguments for its `search`.
        study: Open. A finished one is not extended: the tuner's oracle only gets to know
            its trials.
        options: Those of workers have no effect, nor have the seed, which is the
            study's, and the check, which is done before the tuner is made.
        observer: Told what happens, beside what KerasTuner prints.

    Returns:
        Whether the search is complete; False where the time budget ended it.

    Raises:
        SearchFailedError: If no trial completed, or too many failed; with the traceback
            of the first failed trial.
        SearchInterruptedError: On SIGTERM, after the grace period of the running trial;
            or if no trial completed within the time budget.
        StorageError: If a result could not be made durable, or a disk was full.
    """
    warm_start.start_from(tuner.oracle, options.known)
    oracle = DurableOracle(
        tuner.oracle,
        study,
        max_failed_trials=options.max_failed_trials,
        epochs=EpochBook.of(options.stopping, tuner.oracle),
        display=True,
    )
    tuner.oracle = oracle
    if study.is_finished:
        return True
    tuner_state.keep_in(tuner, files.join(study.directory, "tuner.json"))
    objective_check.require_objective(tuner)
    instrument(
        tuner,
        study.directory,
        study.seed,
        report=oracle.note,
        report_epoch=oracle.epochs.report,
        cleaner=CheckpointCleaner(tuner, oracle, study.directory),
    )
    if observer is not None:
        tuner.oracle = _Observed(oracle, events.Audience([observer]), study.directory)
    going_on = how_to_go_on(study.directory)
    stop = Interruption(options.time_budget_s, options.grace_period_s, going_on)
    tuner.oracle = interruptible = InterruptibleOracle(tuner.oracle, stop)
    try:
        with (
            _imports_left_alone(),
            dataset_iterators.ended_in_background(),
            stop.watched(),
            disk_space.needed("the search", study.directory),
        ):
            tuner.search(**fit_kwargs)
    except TrialInterrupted as interruption:
        if interruption.by is not stop:
            raise  # This search is a trial of another one.
        interruptible.give_up_trials()
        stop.ended_search = True
    except KeyboardInterrupt:
        _log.warning("Interrupted. %s", going_on)
        raise
    if not stop.ended_search:
        oracle.finish()
    if stop.signaled:
        raise SearchInterruptedError(
            "Expected the search to run to its end. Received: SIGTERM. " + going_on
        )
    if stop.ended_search and not trials.ranked(oracle):
        raise SearchInterruptedError(
            "Expected a trial to complete within the time budget of "
            f"{options.time_budget_s:g} seconds. Received: none. Raise the time budget "
            f"and run the same search again: it goes on from {study.directory}."
        )
    return not stop.ended_search


@contextlib.contextmanager
def _imports_left_alone() -> Iterator[None]:
    """Keeps what the process has imported out of garbage collections.

    KerasTuner collects twice for every model that it builds. TensorFlow and TFX are
    millions of objects, none of them garbage: looking at them takes half a second.
    """
    if gc.get_freeze_count():
        yield  # Somebody has done it before.
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class _Observed(OracleFacade):
    """Tells an observer what becomes of trials."""

    __slots__ = ("_observer",)

    def __init__(
        self, oracle: DurableOracle, observer: events.Observer, study_directory: str
    ) -> None:
        super().__init__(oracle)
        self._observer = observer
        oracle.epochs.listener = lambda *epoch: observer(events.EpochEnded(*epoch))
        observer(announcements.search_begun(oracle, study_directory, workers=0))

    def create_trial(self, tuner_id: str) -> Any:
        """See `keras_tuner.Oracle.create_trial`."""
        trial = self._inner.create_trial(tuner_id)
        if trial.status == trial_lib.TrialStatus.RUNNING:
            values = trial.hyperparameters.values
            self._observer(events.TrialBegun(trial.trial_id, tuner_id, dict(values)))
        return trial

    def end_trial(self, trial: Any, status: str = "COMPLETED") -> None:
        """See `keras_tuner.Oracle.end_trial`."""
        trial_id = trial if isinstance(trial, str) else trial.trial_id
        try:
            self._inner.end_trial(trial, status)
        finally:
            # Of the last failure, too, that ends the search.
            self._observer(announcements.outcome(vars(self._inner.trials[trial_id])))
