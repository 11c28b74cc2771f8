"""The thread that talks to the oracle."""

import threading
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

from tuner_component.search.parallel.driver.oracle_thread import OracleThread, Task


class Log:
    """Takes down what the clerk does, in order; `run` makes a task of it."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.gate = threading.Event()
        self.busy = threading.Event()
        self.error: Exception | None = None

    def task(self, name: str, suggests: bool = False) -> Task:
        def done(result: Any, error: BaseException | None) -> None:
            news = result if error is None else repr(error)
            self.events.append(f"{name} told {news}")

        return Task(lambda oracle: self._run(oracle, name), done, suggests)

    def block(self) -> Task:
        def run(oracle: Any) -> None:
            self.busy.set()
            self.gate.wait()

        return Task(run, lambda result, error: None)

    def commit(self) -> None:
        if self.error is not None:
            raise self.error
        self.events.append("commit")

    def _run(self, oracle: Any, name: str) -> str:
        self.events.append(name)
        return f"{oracle} {name}"


def _finish(clerk: OracleThread) -> None:
    clerk.close()
    clerk.deliver()


def _blocked(log: Log) -> tuple[OracleThread, Callable[[], None]]:
    clerk = OracleThread("oracle", log.commit)
    clerk.submit(log.block())
    log.busy.wait()
    return clerk, log.gate.set


def test_nothing_is_told_before_it_is_durable() -> None:
    """A result would be acted upon that a crash then loses."""
    log = Log()
    clerk = OracleThread("oracle", log.commit)
    clerk.submit(log.task("report"))
    _finish(clerk)
    assert log.events == ["report", "commit", "report told oracle report"]


def test_what_waits_is_committed_together() -> None:
    """Each report would cost a commit of its own."""
    log = Log()
    clerk, go = _blocked(log)
    for name in "abc":
        clerk.submit(log.task(name))
    go()
    clerk.close()
    assert log.events == ["commit", "a", "b", "c", "commit"]


def test_reports_go_before_wishes() -> None:
    """A suggestion would be made without knowing the latest results."""
    log = Log()
    clerk, go = _blocked(log)
    clerk.submit(log.task("wish", suggests=True))
    clerk.submit(log.task("report"))
    go()
    clerk.close()
    assert log.events[1:3] == ["report", "wish"]


def test_an_error_is_told_to_its_own_task_alone() -> None:
    """One worker's mistake would be another's."""
    log = Log()
    clerk, go = _blocked(log)
    errors: list[Any] = []
    clerk.submit(Task(lambda oracle: 1 / 0, lambda r, error: errors.append(error)))
    clerk.submit(log.task("good"))
    go()
    _finish(clerk)
    assert isinstance(errors[0], ZeroDivisionError)
    assert "good told oracle good" in log.events


def test_a_failed_commit_is_told_to_all() -> None:
    """Results would be taken for durable when the disk is full."""
    log = Log()
    log.error = OSError("disk full")
    clerk = OracleThread("oracle", log.commit)
    clerk.submit(log.task("report"))
    _finish(clerk)
    assert log.events == ["report", "report told OSError('disk full')"]


def test_it_can_be_waited_for() -> None:
    """The driver would have to poll."""
    log = Log()
    clerk = OracleThread("oracle", log.commit)
    clerk.submit(log.task("report"))
    assert clerk.busy
    assert connection.wait([clerk.fileno()], 10)
    clerk.deliver()
    assert not clerk.busy
    assert not connection.wait([clerk.fileno()], 0)
    clerk.close()
