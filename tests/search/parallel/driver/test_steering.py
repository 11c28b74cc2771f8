"""What the driver does about requests, beside what its oracle does."""

from __future__ import annotations

import queue
from concurrent.futures import Future
from threading import Thread
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


class _Queue:
    """Does tasks one by one, each when it is told to."""

    def __init__(self) -> None:
        self._tasks: queue.Queue[Any] = queue.Queue()

    def submit(self, task: Any) -> None:
        self._tasks.put(task)

    def deliver(self) -> None:
        task = self._tasks.get(timeout=60)
        task.done(task.run(), None)


def _begun() -> tuple[Steering, _Queue, Future[Any]]:
    """Somebody asks for a configuration to be tried, in a thread of its own."""
    oracle: Any = _Oracle()
    thread: Any = _Queue()
    dispatcher: Any = SimpleNamespace(running=[])
    workers: Any = None
    steering = Steering(oracle, thread, workers, dispatcher, lambda told: None)
    request = requests.new("0123", requests.ENQUEUE, values={"x": 1})
    answer: Future[Any] = Future()
    Thread(target=lambda: answer.set_result(steering.do(request)), daemon=True).start()
    return steering, thread, answer


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


def test_search_goes_on_until_what_is_asked_is_done() -> None:
    """It would end although somebody was just told that a configuration is tried."""
    steering, thread, answer = _begun()
    thread.deliver()
    assert steering.is_busy
    thread.deliver()
    assert not steering.is_busy
    assert answer.result(60) == (DONE, "so be it")


def test_what_is_asked_while_workers_end_is_not_done() -> None:
    """A configuration would be accepted that no worker is left to try."""
    steering, thread, answer = _begun()
    steering.close()
    thread.deliver()
    assert answer.result(60) is None
