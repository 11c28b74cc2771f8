"""Running a search in this process: sequentially, so that a debugger works."""

import contextlib
import gc
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from keras_tuner.engine import base_tuner

from tuner_component.search import events
from tuner_component.search.epochs import Decision
from tuner_component.search.errors import (
    SearchError,
    SearchInterruptedError,
    SearchStoppedError,
    how_to_go_on,
)
from tuner_component.search.in_process.interruption import (
    InterruptibleOracle,
    Interruption,
    TrialInterrupted,
)
from tuner_component.search.machine import disk_space
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle import (
    announcements,
    project_files,
    taking_over,
    trials,
)
from tuner_component.search.spelling import counted
from tuner_component.search.storage import files
from tuner_component.search.study.request_files import Requests
from tuner_component.search.study.request_watch import RequestWatch
from tuner_component.search.study.requests import Request
from tuner_component.search.study.study import Study
from tuner_component.search.training import dataset_iterators, objective
from tuner_component.search.training.instrument import instrument, keep_state
from tuner_component.search.training.weights_cleaner import WeightsCleaner

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
        study: Open. A finished one runs no trial: the tuner's oracle only gets to know
            its trials.
        options: Those of workers have no effect, nor have the seed, which is the
            study's, and the check, which is done before the tuner is made.
        observer: Told what happens. KerasTuner's own display is printed as well.

    Returns:
        Whether the search is complete; False where the time budget ended it.

    Raises:
        SearchFailedError: If no trial completed, or too many failed; with the traceback
            of the first failed trial.
        SearchInterruptedError: On SIGTERM, after the grace period of the running trial;
            or if no trial completed within the time budget.
        StorageError: If a result could not be made durable, or a disk was full.
    """
    audience = events.Audience([] if observer is None else [observer])
    oracle = _take_over(tuner, study, options, audience)
    waiting = Requests(study.directory, study.id)
    if study.is_finished:
        waiting.close(oracle.settle)
        project_files.write(tuner, oracle, study)
        return True
    project_files.begin(tuner, study)
    oracle.listen_to_end(lambda why: audience(events.SearchEnding(why)))
    _fail_given_up(oracle)
    _prepare(tuner, oracle, study, options)
    audience(announcements.search_started(oracle, study.directory, workers=0))
    watch = RequestWatch(waiting, lambda request: _do(oracle, request))
    with watch.looking():
        _search(tuner, fit_kwargs, oracle, study.directory)
    stop = oracle.interruption
    if not stop.ended_search:
        oracle.finish()
        waiting.close(oracle.settle)
    if stop.signaled:
        raise SearchStoppedError(
            "Expected the search to run to its end. Received: SIGTERM. "
            + _left(oracle, study.directory)
        )
    if stop.ended_search and not trials.ranked(oracle):
        raise SearchInterruptedError(
            "Expected a trial to complete within the time budget of "
            f"{options.time_budget_s:g} seconds. Received: none. Raise the time budget "
            f"and run the same search again: it goes on from {study.directory}."
        )
    project_files.write(tuner, oracle, study)
    return not stop.ended_search


def _do(oracle: InterruptibleOracle, request: Request) -> tuple[str, str]:
    """Does what somebody asks of the search, durably."""
    outcome = oracle.do(request)
    oracle.commit()  # Also what an earlier try could not make durable.
    return outcome


def _take_over(
    tuner: base_tuner.BaseTuner,
    study: Study,
    options: SearchOptions,
    observer: events.Observer,
) -> InterruptibleOracle:
    """Gives a tuner an oracle that survives, in place of its own."""
    oracle = taking_over.take_over(
        InterruptibleOracle,
        tuner.oracle,
        study,
        options,
        display=True,
        observer=observer,
    )
    oracle.interruption = Interruption(options, study.directory, oracle.excuse)
    tuner.oracle = oracle
    return oracle


def _fail_given_up(oracle: InterruptibleOracle) -> None:
    """Ends the trials that have taken the process down too often."""
    for trial_id, why in oracle.given_up().items():
        oracle.fail_trial(
            trial_id,
            f"Expected the trial to end. Received: {why}. See what those runs printed; "
            "with num_parallel_trials=1, a trial has a process and a log of its own.",
        )


def _prepare(
    tuner: base_tuner.BaseTuner,
    oracle: InterruptibleOracle,
    study: Study,
    options: SearchOptions,
) -> None:
    """Has what a tuner knows, and what its trials train, survive as well."""

    def report_epoch(
        *epoch: Any, can_pause: bool = False, decided: bool = False
    ) -> Decision:
        # A trial may train for hours before its end is committed.
        oracle.require_study()
        decision = oracle.report_epoch(*epoch, decided=decided)
        return decision or oracle.decide(*epoch[:3], can_pause=can_pause)

    cleaner = WeightsCleaner(
        *(tuner, oracle, study.directory),
        confirm=options.confirm_top,
        also=oracle.ranking.kept,
    )
    oracle.clean_up = cleaner.let_go
    keep_state(tuner, files.join(study.directory, "tuner.json"))
    objective.require_objective(tuner)
    instrument(
        tuner,
        study.directory,
        study.seed,
        note=oracle.note,
        report_epoch=report_epoch,
        cleaner=cleaner,
        is_ending=lambda: oracle.interruption.in_grace,
        pause=oracle.pause_trial,
    )


def _search(
    tuner: base_tuner.BaseTuner,
    fit_kwargs: Mapping[str, Any],
    oracle: InterruptibleOracle,
    directory: str,
) -> None:
    """Runs the search until it ends, or has to."""
    stop = oracle.interruption
    try:
        with (
            _imports_left_alone(),
            dataset_iterators.ended_in_background(),
            stop.watched(),
            disk_space.needed("the search", directory),
        ):
            tuner.search(**fit_kwargs)
    except TrialInterrupted as interruption:
        if interruption.by is not stop:
            raise  # This search is a trial of another one.
        oracle.give_up_trials()
        stop.ended_search = True
    except SearchError:
        # A disk is full, say: that is not the fault of the trial that runs.
        with contextlib.suppress(SearchError):
            oracle.excuse()
        raise
    except KeyboardInterrupt:
        with contextlib.suppress(SearchError):
            oracle.excuse()
        _log.warning("Interrupted. %s", _left(oracle, directory))
        raise


def _left(oracle: InterruptibleOracle, directory: str) -> str:
    """What there is of a search that was interrupted, and how to go on."""
    completed = counted(len(trials.completed_ids(oracle)), "trial")
    failed = sum(t.status == "FAILED" for t in oracle.trials.values())
    return f"{completed} completed, {failed} failed. {how_to_go_on(directory)}"


@contextlib.contextmanager
def _imports_left_alone() -> Iterator[None]:
    """Keeps what the process has imported out of garbage collections.

    KerasTuner collects twice for every model that it builds. TensorFlow and TFX are
    millions of objects, none of them garbage: looking at them takes half a second.
    """
    if gc.get_freeze_count():
        yield  # It was done before, and is not ours to undo.
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
