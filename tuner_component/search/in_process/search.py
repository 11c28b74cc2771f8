"""A whole search in this process: from the study to what was found."""

import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

from tuner_component.search import events
from tuner_component.search.in_process.run import run_in_process
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle import trial_limit
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.study.opening import open_study
from tuner_component.search.study.study import StudyState
from tuner_component.search.training import (
    preflight,
    project_guard,
    scratch,
    seeding,
)

_log = logging.getLogger("tuner_component")


def search_in_process(
    make: Callable[[], Any],
    directory: str,
    fingerprint: Mapping[str, str],
    options: SearchOptions,
    check: Callable[[int], None],
    observer: events.Observer,
) -> SearchResult:
    """Opens a study, makes the tuner, and runs its search.

    Args:
        make: Makes the user's tuner: returns an object with the attributes `tuner` and
            `fit_kwargs`. Called once.
        directory: Path or URI of the study.
        fingerprint: What the study depends on, by name.
        options: How to run the search.
        check: Called with the study's seed before `make`, if the search is to be checked;
            it must not change this process.
        observer: Told what happens.

    Raises:
        PreflightError: If `check` raises it.
        SearchFailedError: If the search ends without a result.
        SearchInterruptedError: If it was stopped; running it again continues it.
        StorageError: If the study cannot be read or written, or a disk is full.
    """
    with contextlib.ExitStack() as stack:
        study = stack.enter_context(open_study(directory, fingerprint, options))
        locked = not study.is_finished
        stack.enter_context(scratch.of_search(directory, locked))
        new = study.found is StudyState.NEW
        if preflight.is_wanted(options, study):
            check(study.seed)
        with (
            # A resumed search needs what is there of its trials.
            project_guard.shared_project(may_overwrite=new),
            seeding.seeded_construction(study.seed),
        ):
            made = make()
        tuner = made.tuner
        if more := trial_limit.reopened(study, tuner.oracle, options):
            stack.enter_context(scratch.swept(directory))
            study = stack.enter_context(more)
        tuner.search_space_summary()
        complete = run_in_process(tuner, made.fit_kwargs, study, options, observer)
        _summarize(tuner)
        return SearchResult.of(tuner.oracle, study, complete)


def _summarize(tuner: Any) -> None:
    """Has a tuner print what it found; that it cannot must not cost what it found."""
    try:
        tuner.results_summary()
    except Exception:  # noqa: BLE001
        _log.exception("Publishing the results without the tuner's own summary:")
