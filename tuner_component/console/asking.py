"""Asking something of a search that runs, from a process that is none of its own.

Nothing here talks to the search: a request is left in its study, see
`search.study.requests`, and what became of it is read there.
"""

import time
from typing import Any

from tuner_component.console import text
from tuner_component.console.place import FINISHED, Place, standing
from tuner_component.report.record import StudyRecord
from tuner_component.search.storage import files
from tuner_component.search.study import request_files, requests
from tuner_component.search.study.request_files import Standing
from tuner_component.search.study.requests import Answer, Request

REQUESTED = "requested"
# How often to look for an answer.
_LOOK_S = 0.1
_LOOK_REMOTE_S = 2.0


def ask(place: Place, kind: str, **content: Any) -> Request:
    """Leaves a request with a search.

    Args:
        place: Its study.
        kind: What is wanted: one of `requests.KINDS`.
        **content: What it needs: `trial`, `values` or `workers`.

    Raises:
        FileNotFoundError: If there are only its results.
        ValueError: If it is over, or this is no such request.
        StorageError: If it cannot be written.
    """
    directory, study = place.require_own(), place.load()
    if study.status == FINISHED:
        raise ValueError(
            f"Expected a search that is not over. Received: {study.study_id}, which is "
            "finished. To go on with one that was stopped, use `tuner-component resume`; "
            "with any other, run it with more max_trials."
        )
    request = requests.new(study.study_id, kind, **content)
    request_files.send(directory, request)
    return request


def wait(place: Place, request: Request, within_s: float) -> Standing:
    """Waits until a request is answered.

    Args:
        place: Its study.
        request: What was asked.
        within_s: How long to wait, in seconds. It is not waited at all if nobody works on
            the study.

    Returns:
        The request, without an answer if there was none in that time, and it still waits.

    Raises:
        StorageError: If that cannot be read.
    """
    directory = place.require_own()
    pause_s = _LOOK_REMOTE_S if files.is_remote(directory) else _LOOK_S
    end = time.monotonic() + within_s
    while True:
        nobody = is_left_alone(place)  # First: it may answer, and go.
        known = request_files.standing(directory, request.id, request.study)
        if known is not None and known.answer is not None:
            return known
        if nobody or not time.monotonic() < end:  # Not for ever if it is no number.
            # Not before: a network's filesystem may show an answer late.
            return Standing(request, _lost(request) if known is None else None)
        time.sleep(pause_s)


def _lost(request: Request) -> Answer:
    """What to say of a request that neither waits nor is answered."""
    message = (
        "Expected the request to wait, or to be answered. Received: neither. The search "
        "may be of another release, which does not know it and has set it aside: see the "
        "warnings that it has logged. Or its study has been moved."
    )
    return Answer(outcome="refused", message=message, request=request, time=time.time())


def is_left_alone(place: Place) -> bool:
    """Whether it is known that nobody works on a study now."""
    holder = place.holder()
    return holder is not None and holder.is_gone


def latest(place: Place, study: StudyRecord, count: int) -> list[dict[str, Any]]:
    """What was asked of a search last, and what became of it, for programs.

    Args:
        place: Its study.
        study: The same, as it was read.
        count: How many at most.

    Raises:
        StorageError: If that cannot be read.
    """
    if place.own is None:
        return []
    found = request_files.latest(place.own, study.study_id, count)
    return [facts(one) for one in found]


def facts(known: Standing) -> dict[str, Any]:
    """A request, and what became of it, for programs."""
    request, answer = known
    return {
        "request": request.id,
        "kind": request.kind,
        **request.told(),
        "made": request.made,
        "by": request.by,
        "state": REQUESTED if answer is None else answer.outcome,
        "message": "" if answer is None else answer.message,
    }


def told(known: Standing, place: Place) -> str:
    """What became of a request, in a sentence or two."""
    if known.answer is not None:
        return text.printable(known.answer.message)
    study = place.load()
    if standing(study, place.holder()) == FINISHED:
        return "The search ended before it was seen."
    if is_left_alone(place):
        return (
            "Requested. Nobody works on the study now: it is done when the same search "
            "is run again."
        )
    return "Requested. The search has not answered yet; it does not depend on this."
