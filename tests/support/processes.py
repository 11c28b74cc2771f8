"""Handles for the processes that tests start, and for their descendants."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import connection, reduction
from pathlib import Path
from typing import Any

from tests.support import crashes, executor_server, limits
from tests.support.project import ROOT
from tuner_component.search.machine import posix
from tuner_component.search.parallel.local import engine

_SEARCH = (
    "tuner_component.search.parallel.driver.main",
    "tuner_component.search.parallel.worker.main",
)


class Executor:
    """A process that runs a function, as a pipeline's executor does."""

    def __init__(self, pid: int, answer: connection.Connection) -> None:
        self.pid = pid
        self._answer = answer

    def fileno(self) -> int:
        """The descriptor that becomes readable when the function has ended."""
        return self._answer.fileno()

    def ended(self, timeout: float) -> bool:
        """Whether the function returns or raises within `timeout` seconds."""
        return self._answer.poll(timeout)

    def result(self, timeout: float = limits.WAIT_S) -> Any:
        """What the function returned; raises what it raised."""
        assert self._answer.poll(timeout), "the executor did not end in time"
        outcome = self._answer.recv()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


class Executors:
    """Forks executors from a process that has imported what they need.

    Args:
        modules: Names of modules to import, besides the search and Keras.
        fresh: Whether that process is a new interpreter, which has imported that alone;
            otherwise it is a copy of this one from before its first test.
    """

    def __init__(self, *modules: str, fresh: bool = True) -> None:
        modules = (*_SEARCH, *modules)
        self._lock = threading.Lock()
        self._control, theirs = engine.pair()
        with theirs:
            descriptor = theirs.fileno()
            if fresh:
                command = f"{__package__}.executor_server", str(descriptor), *modules
                process = subprocess.Popen(
                    [sys.executable, "-m", *command],
                    pass_fds=[descriptor],
                    cwd=ROOT,
                )
                self._pid, self._wait = process.pid, process.wait
            else:
                self._pid = crashes.start(
                    lambda copy: executor_server.main(copy, modules), descriptor
                )
                self._wait = lambda: wait_until_gone([self._pid], limits.WAIT_S)
        assert self._control.recv() == "ready"

    def start(self, function: Callable[..., Any], *args: Any) -> Executor:
        """Calls a module-level function in a new process."""
        answer, theirs = engine.pair()
        with theirs, self._lock:
            self._control.send((function, args))
            reduction.send_handle(self._control, theirs.fileno(), None)
            return Executor(self._control.recv(), answer)

    def descendants(self) -> list[int]:
        """Every executor, every process that runs for one, and any that they left."""
        return descendants(self._pid)

    def close(self) -> None:
        """Ends the process that they are forked from."""
        self._control.close()
        self._wait()


def descendants(pid: int) -> list[int]:
    """Children of a process, their children, and so on."""
    found: list[int] = []
    for child in posix.children(pid):
        found += [child, *descendants(child)]
    return found


def kill(*pids: int) -> None:
    """Kills processes. It is no error if one has ended meanwhile, with its parent."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_until_gone(pids: list[int], timeout: float) -> float:
    """Waits until no process runs any more; returns the seconds that this took."""
    started = time.monotonic()
    for pid in pids:
        with gone(pid) as descriptor:
            left = max(0.0, started + timeout - time.monotonic())
            if descriptor is not None:
                ended = connection.wait([descriptor], left)
                assert ended, f"process {pid} still runs: {command(pid)}"
    return time.monotonic() - started


@contextlib.contextmanager
def gone(pid: int) -> Iterator[int | None]:
    """A descriptor that is readable once the process ends; None if it has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def command(pid: int) -> str:
    """The command line of a process."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""
