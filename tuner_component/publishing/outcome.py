"""Saying in the log how a search ended."""

import logging

from tuner_component.report import confirmation
from tuner_component.report.record import StudyRecord
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.spelling import counted
from tuner_component.search.study.study import StudyState

_log = logging.getLogger("tuner_component")


def log_outcome(result: SearchResult, directory: str) -> None:
    """Logs how many trials there were, and what to do if none was run.

    Args:
        result: What the search found.
        directory: Path or URI of its study.
    """
    if result.found is StudyState.FINISHED:
        _log.info(
            "This search was finished before: no trial was run, its results are "
            "published again.%s To start a new search, remove %s.",
            _how_it_ended(result, directory),
            directory,
        )
    else:
        _log.info(
            "The search is over%s: %s completed, %d failed%s.%s",
            "" if result.complete else " with its time budget",
            counted(len(result.completed), "trial"),
            len(result.failed),
            ", those of earlier runs included"
            if result.found is StudyState.RESUMED
            else "",
            f" {result.ended_because}" if result.ended_because else "",
        )


def _how_it_ended(result: SearchResult, directory: str) -> str:
    """Why a finished search had ended before all trials were run, if somebody ended it."""
    if result.ended_because is None or not result.was_stopped:
        return ""
    return (
        f" {result.ended_because} To go on with it: tuner-component resume {directory}"
    )


def log_confirmation(study: StudyRecord) -> None:
    """Logs what the re-runs of the best trials say of them, if there were any.

    Args:
        study: All that is known of the search.
    """
    if study.confirmation is None:
        return
    name = study.objective.name if study.objective else "score"
    for text in confirmation.sentences(study.confirmation, name):
        _log.info("%s", text)
    for text in confirmation.warnings(study.confirmation):
        _log.warning("%s", text)
