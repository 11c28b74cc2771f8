"""A worker's connection to the driver."""

import os
import pickle
import queue
import threading
from collections.abc import Iterator
from concurrent import futures
from multiprocessing import connection
from typing import Any

import pytest

from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.local import engine
from tuner_component.search.parallel.worker import link

LIMIT_S = 30.0


class Driver:
    """The other end of the connection, in the hands of the test."""

    def __init__(self, channel: connection.Connection) -> None:
        self.channel = channel

    def next(self) -> Any:
        """The next message that is no heartbeat."""
        while self.channel.poll(LIMIT_S):
            message = self.channel.recv()
            if not isinstance(message, protocol.Heartbeat):
                return message
        raise AssertionError("the worker says nothing")

    def answer(self, request: protocol.Request, value: Any) -> None:
        """Answers a request."""
        self.channel.send(protocol.Reply(request.request_id, value))

    def refuse(self, request: protocol.Request, error: Exception) -> None:
        """Answers a request with an exception."""
        remote = protocol.remote_error(error)
        self.channel.send(protocol.Reply(request.request_id, error=remote))


@pytest.fixture(name="exits")
def _exits(monkeypatch: pytest.MonkeyPatch) -> "queue.SimpleQueue[int]":
    """The statuses with which the process would have ended at once."""
    exits: queue.SimpleQueue[int] = queue.SimpleQueue()
    monkeypatch.setattr(os, "_exit", exits.put)
    return exits


@pytest.fixture(name="ends")
def _ends(exits: Any) -> Iterator[tuple[link.DriverLink, Driver]]:
    ours, theirs = engine.pair()
    worker = link.DriverLink(ours)
    worker.start()
    with theirs:
        yield worker, Driver(theirs)
        worker.close()


@pytest.fixture(name="calls")
def _calls() -> Iterator[futures.Executor]:
    """Threads in which a worker waits for answers."""
    with futures.ThreadPoolExecutor(2) as pool:
        yield pool


def test_a_call_returns_what_the_driver_answers(
    ends: tuple[link.DriverLink, Driver], calls: futures.Executor
) -> None:
    """No trial would get to a worker."""
    worker, driver = ends
    answer = calls.submit(worker.call, "update_trial", "7", step=3)
    request = driver.next()
    assert (request.method, request.args) == ("update_trial", ("7",))
    assert request.kwargs == {"step": 3}
    driver.answer(request, "done")
    assert answer.result(LIMIT_S) == "done"


def test_a_worker_knows_that_it_will_be_ended(
    ends: tuple[link.DriverLink, Driver], calls: futures.Executor
) -> None:
    """It would save its training as rarely as ever, and lose what it had trained."""
    worker, driver = ends
    assert not worker.is_ending()
    driver.channel.send(protocol.Ending())
    answer = calls.submit(worker.call, "get_space")
    driver.answer(driver.next(), None)
    answer.result(LIMIT_S)  # All that came before this has been heard.
    assert worker.is_ending()


def test_each_of_several_threads_gets_its_own_answer(
    ends: tuple[link.DriverLink, Driver], calls: futures.Executor
) -> None:
    """A callback that reports an epoch would get another thread's trial."""
    worker, driver = ends
    answers = [calls.submit(worker.call, "get_trial", name) for name in "ab"]
    for request in reversed([driver.next(), driver.next()]):
        driver.answer(request, request.args[0].upper())
    assert [answer.result(LIMIT_S) for answer in answers] == ["A", "B"]


def test_a_request_that_is_a_part_of_another_gets_its_own_answer(
    ends: tuple[link.DriverLink, Driver], calls: futures.Executor
) -> None:
    """A trial would not end, or the next one be lost."""
    worker, driver = ends
    asked = worker.expect()
    ended = calls.submit(worker.call, "end_trial", then=asked)
    request = driver.next()
    assert request.kwargs == {"then": asked}
    driver.answer(protocol.Request(asked, "create_trial"), "next")
    driver.answer(request, "COMPLETED")
    assert ended.result(LIMIT_S) == "COMPLETED"
    assert calls.submit(worker.answer, asked).result(LIMIT_S) == "next"


@pytest.mark.parametrize(
    ("raised", "arrives", "message"),
    [
        (KeyError("07"), KeyError, "'07'"),
        (ValueError("no such trial"), ValueError, "no such trial"),
        (futures.InvalidStateError("x"), RuntimeError, "InvalidStateError: x"),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"), RuntimeError, "Unicode.*bad"),
    ],
)
def test_an_error_in_the_driver_is_raised_in_the_worker(
    ends: tuple[link.DriverLink, Driver],
    calls: futures.Executor,
    raised: Exception,
    arrives: type[Exception],
    message: str,
) -> None:
    """User code that expects an oracle's error would not see it, nor its origin."""
    worker, driver = ends
    answer = calls.submit(worker.call, "get_trial", "07")
    try:
        raise raised
    except Exception as error:  # noqa: BLE001
        driver.refuse(driver.next(), error)
    with pytest.raises(arrives, match=message) as caught:
        answer.result(LIMIT_S)
    assert type(caught.value) is arrives
    assert isinstance(caught.value.__cause__, link.DriverTraceback)
    assert "test_link.py" in str(caught.value.__cause__)


def test_what_needs_no_answer_is_only_told(
    ends: tuple[link.DriverLink, Driver],
) -> None:
    """Each epoch would wait for the driver."""
    worker, driver = ends
    worker.tell("an epoch")
    assert driver.next() == "an epoch"


def test_it_shows_that_it_is_alive(exits: Any) -> None:
    """A worker in a long epoch would be taken for hung, and killed."""
    ours, theirs = engine.pair()
    worker = link.DriverLink(ours, 0.01)
    worker.start()
    with theirs:
        for _ in range(2):
            assert theirs.poll(LIMIT_S)
            assert theirs.recv() == protocol.Heartbeat()
        worker.close()


def test_a_worker_ends_with_its_driver(
    ends: tuple[link.DriverLink, Driver], exits: "queue.SimpleQueue[int]"
) -> None:
    """It would go on training for a driver that is dead."""
    _, driver = ends
    driver.channel.close()
    assert exits.get(timeout=LIMIT_S) == 1


@pytest.mark.parametrize(
    "sent",
    [b"garbage", pickle.dumps(protocol.Reply(1_000_000))],
    ids=["bytes", "answer"],
)
def test_a_worker_ends_that_hears_what_is_not_meant_for_it(
    ends: tuple[link.DriverLink, Driver], exits: "queue.SimpleQueue[int]", sent: bytes
) -> None:
    """It would wait for ever for an answer that was lost, and show that it is alive."""
    _, driver = ends
    driver.channel.send_bytes(sent)
    told = driver.next()
    assert isinstance(told, protocol.Logged)
    assert "Received: what is no message of the driver's" in told.text
    assert exits.get(timeout=LIMIT_S) == 1


def test_the_end_that_is_expected_is_no_accident(
    exits: "queue.SimpleQueue[int]",
) -> None:
    """A worker that is done would report a failure."""
    ours, theirs = engine.pair()
    others = set(threading.enumerate())
    worker = link.DriverLink(ours)
    worker.start()
    threads = set(threading.enumerate()) - others
    assert len(threads) == 2
    worker.close()
    theirs.close()
    for thread in threads:
        thread.join(LIMIT_S)
        assert not thread.is_alive()
    assert exits.empty()
