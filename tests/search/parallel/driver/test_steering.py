"""What the driver does about requests, beside what its oracle does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tuner_component.search.parallel.driver.steering import Steering
from tuner_component.search.study import requests
from tuner_component.search.study.requests import DONE, Request


class _Oracle:
    """Does what is asked, and knows what was done before."""

    def __init__(self, *done: Request) -> None:
        self._done = {request.id for request in done}

    def is_done(self, request: Request) -> bool:
        return request.id in self._done

    def do(self, request: Request, *, workers: bool) -> tuple[str, str]:
        return DONE, "so be it"


class _Thread:
    """Does tasks at once."""

    def submit(self, task: Any) -> None:
        task.done(task.run(), None)


@pytest.mark.parametrize("before", [False, True])
def test_number_of_workers_of_a_run_before_is_not_that_of_this_one(
    before: bool,
) -> None:
    """A killed search would go on with more workers than it is started with."""
    request = requests.new("0123", requests.WORKERS, workers=3)
    sizes: list[int] = []
    workers: Any = SimpleNamespace(
        engine=SimpleNamespace(resize=sizes.append), surplus=frozenset()
    )
    oracle: Any = _Oracle(*([request] if before else []))
    thread: Any = _Thread()
    dispatcher: Any = None
    steering = Steering(oracle, thread, workers, dispatcher, lambda told: None)
    assert steering.do(request) == (DONE, "so be it")
    assert sizes == ([] if before else [3])
