"""The thread that works with the oracle."""

import threading
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

import pytest

from tuner_component.search.errors import StorageError
from tuner_component.search.parallel.driver.oracle_thread import (
    OracleThread,
    Task,
)


class Log:
    """Takes down what the thread does, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.gate = threading.Event()
        self.busy = threading.Event()
        self.error: Exception | None = None

    def task(self, name: str, **how: bool) -> Task:
        def done(result: Any, error: BaseException | None) -> None:
            news = result if error is None else repr(error)
            self.events.append(f"{name} told {news}")

        return Task(lambda: self._run(name), done, **how)

    def block(self) -> Task:
        def run() -> None:
            self.busy.set()
            self.gate.wait()

        return Task(run, lambda result, error: None)

    def commit(self) -> None:
        if self.error is not None:
            raise self.error
        self.events.append("commit")

    def _run(self, name: str) -> str:
        self.events.append(name)
        return name.upper()


def _finish(thread: OracleThread) -> None:
    thread.close()
    thread.deliver()


def _blocked(log: Log) -> tuple[OracleThread, Callable[[], None]]:
    thread = OracleThread(log.commit)
    thread.submit(log.block())
    log.busy.wait()
    return thread, log.gate.set


def test_nothing_is_told_before_it_is_durable() -> None:
    """A result would be acted upon that a crash then loses."""
    log = Log()
    thread = OracleThread(log.commit)
    thread.submit(log.task("result"))
    _finish(thread)
    assert log.events == ["result", "commit", "result told RESULT"]


def test_what_waits_is_committed_together() -> None:
    """Each result would cost a commit of its own."""
    log = Log()
    thread, go = _blocked(log)
    for name in "abc":
        thread.submit(log.task(name))
    go()
    thread.close()
    assert log.events == ["commit", "a", "b", "c", "commit"]


def test_results_go_before_suggestions() -> None:
    """A suggestion would be made without knowing the latest results."""
    log = Log()
    thread, go = _blocked(log)
    thread.submit(log.task("suggestion", suggests=True))
    thread.submit(log.task("result"))
    go()
    thread.close()
    assert log.events[1:3] == ["result", "suggestion"]


def test_what_nobody_waits_for_is_done_last() -> None:
    """A worker would wait for its next trial until files of its last one are deleted."""
    log = Log()
    thread, go = _blocked(log)
    thread.submit(log.task("cleaning", later=True))
    thread.submit(log.task("suggestion", suggests=True))
    go()
    _finish(thread)
    assert log.events[1:4] == ["suggestion", "commit", "cleaning"]
    assert log.events[4:] == ["suggestion told SUGGESTION", "cleaning told CLEANING"]


def test_what_nobody_waits_for_wakes_no_one() -> None:
    """The driver's loop would go round once more for each trial."""
    log = Log()
    thread = OracleThread(log.commit)
    thread.submit(log.task("cleaning", later=True, wakes=False))
    thread.close()
    assert not connection.wait([thread.fileno()], 0)
    thread.deliver()
    assert "cleaning told CLEANING" in log.events


def test_who_has_been_woken_is_not_woken_again() -> None:
    """The driver's loop would go round for results that it has."""
    log = Log()
    thread = OracleThread(log.commit)
    for name in "ab":
        thread.submit(log.task(name))
        while f"{name}" not in log.events:
            pass
    thread.close()
    thread.deliver()
    assert log.events[-2:] == ["a told A", "b told B"]
    assert not connection.wait([thread.fileno()], 0)


def test_an_error_is_told_to_its_own_task_alone() -> None:
    """One worker's mistake would be another's."""
    log = Log()
    thread, go = _blocked(log)
    errors: list[Any] = []
    thread.submit(Task(lambda: 1 / 0, lambda r, error: errors.append(error)))
    thread.submit(log.task("good"))
    go()
    _finish(thread)
    assert isinstance(errors[0], ZeroDivisionError)
    assert "good told GOOD" in log.events


def test_a_failed_commit_is_told_to_all() -> None:
    """Results would be taken for durable when the disk is full."""
    log = Log()
    log.error = OSError("disk full")
    thread = OracleThread(log.commit)
    thread.submit(log.task("result"))
    _finish(thread)
    assert log.events == ["result", "result told OSError('disk full')"]


def test_it_can_be_waited_for() -> None:
    """The driver would have to poll."""
    log = Log()
    thread = OracleThread(log.commit)
    thread.submit(log.task("result"))
    assert connection.wait([thread.fileno()], 10)
    thread.deliver()
    assert not connection.wait([thread.fileno()], 0)
    thread.close()


def test_an_error_that_ends_the_search_is_raised() -> None:
    """A worker would be told, and the driver go on with a study that it has lost."""
    log = Log()
    log.error = StorageError("the disk is gone")
    thread = OracleThread(log.commit)
    thread.submit(log.task("result"))
    thread.close()
    with pytest.raises(StorageError):
        thread.deliver()
