"""The one thread that talks to the oracle.

An oracle may think for seconds before it suggests a trial. Meanwhile the driver must
notice that a worker died, and take results; so it leaves the oracle to this thread.
What workers report goes before what they ask for, and all that is done at a time is
made durable together, before anybody hears of it.
"""

import collections
import dataclasses
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from tuner_component.search.errors import SearchError

# A suggestion that took longer is answered before the next one is thought of.
_BATCH_S = 0.02


@dataclasses.dataclass
class Task:
    """Something to do with the oracle.

    Attributes:
        run: Does it, in the clerk's thread; takes the oracle.
        done: Takes the result and the error (one of them None) in the thread that
            calls `OracleThread.deliver`. An error that ends the search does not get there.
        suggests: Whether it asks the oracle for a new trial.
    """

    run: Callable[[Any], Any]
    done: Callable[[Any, BaseException | None], None]
    suggests: bool = False
    result: Any = None
    error: BaseException | None = None


class OracleThread:
    """Does tasks in a thread of its own; can be waited for like a connection.

    Args:
        oracle: What the tasks work on; nobody else may touch it from now on.
        commit: Makes what they did durable.
    """

    def __init__(self, oracle: Any, commit: Callable[[], None]) -> None:
        self._oracle = oracle
        self._commit = commit
        self._inbox: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._finished: collections.deque[Task] = collections.deque()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._thread = threading.Thread(target=self._work, daemon=True, name="clerk")
        self._open = 0
        self._closed = False
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether there are tasks whose results were not delivered yet."""
        return self._open > 0

    def fileno(self) -> int:
        """The descriptor that becomes readable when there are results."""
        return self._reader.fileno()

    def submit(self, task: Task) -> None:
        """Has a task done as soon as possible."""
        self._open += 1
        self._inbox.put(task)

    def deliver(self) -> None:
        """Calls `done` of every task that is done and durable.

        Raises:
            SearchError: If one raised it: no worker is to blame for it.
        """
        try:
            self._reader.recv(4096)
        except BlockingIOError:
            pass
        while self._finished:
            task = self._finished.popleft()
            self._open -= 1
            if isinstance(task.error, SearchError):
                raise task.error
            task.done(task.result, task.error)

    def close(self, timeout: float | None = None) -> bool:
        """Does what was submitted, and ends.

        Args:
            timeout: Wait at most so many seconds.

        Returns:
            Whether all is done.
        """
        self._inbox.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        reports: list[Task] = []
        wishes: collections.deque[Task] = collections.deque()
        slow = False
        while self._collect(reports, wishes):
            batch, reports = reports, []
            for task in batch:
                self._do(task)
            # A report does not wait for a suggestion that takes its time.
            if wishes and not (batch and slow):
                started = time.monotonic()
                while wishes and not (slow := time.monotonic() - started > _BATCH_S):
                    batch.append(wishes.popleft())
                    self._do(batch[-1])
            self._settle(batch)

    def _collect(self, reports: list[Task], wishes: collections.deque[Task]) -> bool:
        """Takes what has come in, waiting only if there is nothing to do.

        Returns:
            False if there is nothing to do and never will be.
        """
        while True:
            try:
                task = self._inbox.get(block=not (reports or wishes or self._closed))
            except queue.Empty:
                return bool(reports or wishes)
            if task is None:
                self._closed = True
            elif task.suggests:
                wishes.append(task)
            else:
                reports.append(task)

    def _do(self, task: Task) -> None:
        try:
            task.result = task.run(self._oracle)
        # Nobody would see what this thread raises.
        except BaseException as error:  # noqa: BLE001
            task.error = error

    def _settle(self, batch: list[Task]) -> None:
        try:
            self._commit()
        except BaseException as error:  # noqa: BLE001
            for task in batch:
                task.result, task.error = None, error
        self._finished.extend(batch)
        self._writer.send(b"\0")
