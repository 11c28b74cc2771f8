"""What the driver asks of an engine, whatever starts its workers."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

from tuner_component.search import events
from tuner_component.search.parallel import protocol


class BadMessageError(Exception):
    """A worker has sent what is no message; the text says what, after "a worker that"."""


class Channel(Protocol):
    """A two-way connection for messages: what the driver and a worker hold.

    `multiprocessing.connection.Connection` is one. `multiprocessing.connection.wait`
    accepts it.
    """

    def fileno(self) -> int:
        """The descriptor that becomes readable when a message has come."""

    def send(self, obj: Any, /) -> None:
        """Sends a message; raises OSError if the other side cannot take it."""

    def recv(self) -> Any:
        """Receives a message; raises EOFError if there will be no more.

        The driver's end takes nothing but the words of workers, see `protocol`, and raises
        a `BadMessageError` for all else that may come.
        """

    def poll(self, timeout: float | None = 0.0, /) -> bool:
        """Whether a message (or the end) has come."""

    def close(self) -> None:
        """Ends the connection."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a worker can run.

    Attributes:
        environment: The variables that give a worker its share of the machine.
        node: The machine, as people call it; "" for the only one.
    """

    environment: Mapping[str, str]
    node: str = ""


@dataclasses.dataclass(frozen=True)
class WorkerStarted:
    """A worker runs.

    Attributes:
        worker_id: Which one.
        pid: Its process, on its machine.
    """

    worker_id: str
    pid: int


@dataclasses.dataclass(frozen=True)
class WorkerExited:
    """A worker is gone, and so is all that it had started.

    Attributes:
        worker_id: Which one.
        status: Its exit status; minus the number of the signal that killed it.
        peak_memory: The most memory it ever used, in bytes; 0 where unknown.
        out_of_memory: Whether it was killed because its machine's memory had run out.
        lost: Why, if it went down with its machine and has no exit status of its own.
        excused: Whether no trial can have been the cause.
    """

    worker_id: str
    status: int
    peak_memory: int = 0
    out_of_memory: bool = False
    lost: str = ""
    excused: bool = False


@dataclasses.dataclass(frozen=True)
class WorkerEnds:
    """A worker's machine will be taken away, and the worker is ended shortly before.

    Attributes:
        worker_id: Which one.
    """

    worker_id: str


Event = WorkerStarted | WorkerEnds | WorkerExited | events.PlacesChanged


class EngineLost(Exception):
    """The engine is gone, and its workers with it: the search cannot go on."""


class Engine(Protocol):
    """Starts and ends the workers of one search.

    It is waited for like a connection: when it is readable, `events` has news.
    """

    def fileno(self) -> int:
        """The descriptor that becomes readable when there are events."""

    def places(self) -> Mapping[int, Place]:
        """The places for workers that are there now, taken ones included, by slots."""

    def resize(self, workers: int) -> None:
        """Has places for another number of workers.

        What is started from now on gets its share of that; what runs keeps its own, and
        its place is there for it until it has exited.

        Args:
            workers: How many, 1 or more.

        Raises:
            ValueError: If there cannot be so many; nothing has changed.
        """

    def start(self, spec: protocol.WorkerSpec) -> Channel:
        """Starts a worker, and returns the driver's end of the connection to it.

        Does not wait until it runs.

        Raises:
            EngineLost: If the engine itself has ended.
        """

    def kill(self, worker_id: str) -> None:
        """Ends a worker at once; `WorkerExited` follows. Unknown ones are ignored."""

    def events(self) -> list[Event]:
        """What has happened since the last call. Does not wait.

        Raises:
            EngineLost: If the engine itself has ended.
            SearchError: If it can give no place to any worker.
        """
