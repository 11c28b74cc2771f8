"""Steering a search of a test, as somebody in another process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support import limits, meeting
from tuner_component.search.study import request_files, requests
from tuner_component.search.study.fingerprint import study_id
from tuner_component.search.study.history import History
from tuner_component.search.study.history_reading import read_history
from tuner_component.search.study.requests import Answer, Request


class Steered:
    """A study that a search works on, or will.

    Args:
        directory: The study's directory.
        fingerprint: That of its search.
    """

    def __init__(self, directory: Path, fingerprint: dict[str, str]) -> None:
        self.directory, self.id = str(directory), study_id(fingerprint)

    def send(self, kind: str, **content: Any) -> Request:
        """Leaves a request."""
        request = requests.new(self.id, kind, **content)
        request_files.send(self.directory, request)
        return request

    def answer(self, request: Request) -> Answer:
        """What became of it, as soon as that is known."""
        found: list[Answer] = []

        def is_answered() -> bool:
            known = request_files.standing(self.directory, request.id, self.id)
            if known is not None and known.answer is not None:
                found.append(known.answer)
            return bool(found)

        until(is_answered)
        return found[0]

    def ask(self, kind: str, **content: Any) -> Answer:
        """Leaves a request, and waits for what becomes of it."""
        return self.answer(self.send(kind, **content))

    def history(self) -> History:
        """What its journal tells by now."""
        return read_history(self.directory, self.id)


def check_tried_once(
    steered: Steered, asked: list[Request], place: meeting.Meeting, search: Any
) -> None:
    """Checks that two configurations, with x 11 and 22, are tried once, of four trials.

    Args:
        steered: The study.
        asked: Who has enqueued them, before a kill perhaps.
        place: Where the trials meet.
        search: The one that goes on.
    """
    guest = place.next()
    for request in asked:
        assert steered.answer(request).outcome == "done"
    guest.release()
    for _ in range(3):
        place.next().release()
    search.result()
    values = [trial.values["x"] for trial in steered.history().trials.values()]
    assert (values.count(11), values.count(22), len(values)) == (1, 1, 4)


def until(is_so: Callable[[], Any]) -> None:
    """Waits for something that another process does, which says nothing to this one."""
    end = time.monotonic() + limits.WAIT_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
