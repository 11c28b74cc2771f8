"""The one thread that works with the oracle.

An oracle may think for seconds before it suggests a trial. Meanwhile the driver must
notice that a worker died, and take results; so it leaves the oracle to this thread.
Suggestions are made last, with all results known; and all that is done at a time is made
durable together, before anyone hears of it.
"""

import collections
import contextlib
import dataclasses
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search.errors import SearchError, UnknownTrialError

_Status = trial_lib.TrialStatus

# A suggestion that took longer is answered before the next one is thought of.
_BATCH_S = 0.02


@dataclasses.dataclass
class Task:
    """Something to do in the oracle's thread.

    Attributes:
        run: Does it.
        done: Takes the result and the error (one of them None) in the thread that
            calls `OracleThread.deliver`. An error that ends the search does not get there.
        suggests: Whether it asks the oracle for a new trial.
        later: Whether nobody waits for it, so that it is done when nothing else is to be
            done. It must leave nothing to commit.
        wakes: Whether who waits for results is woken for it; otherwise it is delivered
            with the next.
    """

    run: Callable[[], Any]
    done: Callable[[Any, BaseException | None], None]
    suggests: bool = False
    later: bool = False
    wakes: bool = True
    result: Any = None
    error: BaseException | None = None


class OracleThread:
    """Does tasks in a thread of its own; can be waited for like a connection.

    No other thread may touch the oracle from now on.

    Args:
        commit: Makes what the tasks did durable.
    """

    def __init__(self, commit: Callable[[], None]) -> None:
        self._commit = commit
        self._inbox: queue.SimpleQueue[tuple[Task, ...] | None] = queue.SimpleQueue()
        self._finished: collections.deque[Task] = collections.deque()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._has_called = False
        self._later: collections.deque[Task] = collections.deque()
        self._thread = threading.Thread(target=self._work, daemon=True, name="oracle")
        self._closed = False
        self._thread.start()

    def fileno(self) -> int:
        """The descriptor that becomes readable when there are results."""
        return self._reader.fileno()

    def submit(self, *tasks: Task) -> None:
        """Has tasks done as soon as possible; together, if they can be."""
        self._inbox.put(tasks)

    def deliver(self) -> None:
        """Calls `done` of every task that is done and durable.

        Raises:
            SearchError: If one raised it, and no worker is to blame for it.
        """
        if self._has_called:
            # If that has not come yet, it is still to come.
            with contextlib.suppress(BlockingIOError):
                self._reader.recv(1)
                self._has_called = False
        while self._finished:
            task = self._finished.popleft()
            if isinstance(task.error, SearchError) and not isinstance(
                task.error, UnknownTrialError
            ):
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
        urgent: list[Task] = []
        suggestions: collections.deque[Task] = collections.deque()
        slow = False
        while self._collect(urgent, suggestions):
            if not (urgent or suggestions):
                self._do(task := self._later.popleft())
                self._tell([task])
                continue
            batch, urgent = urgent, []
            for task in batch:
                self._do(task)
            # A result does not wait for a suggestion that takes its time: what is in
            # this batch is told only once all of it is committed.
            if suggestions and not (batch and slow):
                started = time.monotonic()
                while suggestions and not (
                    slow := time.monotonic() - started > _BATCH_S
                ):
                    batch.append(suggestions.popleft())
                    self._do(batch[-1])
            self._settle(batch)

    def _collect(
        self, urgent: list[Task], suggestions: collections.deque[Task]
    ) -> bool:
        """Takes what has come in, waiting only if there is nothing to do.

        Returns:
            False if there is nothing to do and never will be.
        """
        while True:
            idle = not (urgent or suggestions or self._later or self._closed)
            try:
                tasks = self._inbox.get(block=idle)
            except queue.Empty:
                return bool(urgent or suggestions or self._later)
            if tasks is None:
                self._closed = True
            for task in tasks or ():
                if task.suggests:
                    suggestions.append(task)
                elif task.later:
                    self._later.append(task)
                else:
                    urgent.append(task)

    def _do(self, task: Task) -> None:
        try:
            task.result = task.run()
        # What this thread raises would go unseen.
        except BaseException as error:  # noqa: BLE001
            task.error = error

    def _settle(self, batch: list[Task]) -> None:
        try:
            self._commit()
        except BaseException as error:  # noqa: BLE001
            for task in batch:
                task.result, task.error = None, error
        self._tell(batch)

    def _tell(self, batch: list[Task]) -> None:
        self._finished.extend(batch)
        # In this order, and there the other way round: nothing is missed.
        if not self._has_called and any(task.wakes for task in batch):
            self._has_called = True
            self._writer.send(b"\0")
