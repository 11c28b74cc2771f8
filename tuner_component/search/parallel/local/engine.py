"""Workers as processes of this machine, forked by the search's own fork server."""

import functools
import importlib
import io
import os
import pickle
import select
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import connection
from typing import Any

from tuner_component.search.machine import handles
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.engine import (
    BadMessageError,
    Channel,
    EngineLost,
    Event,
    Place,
)
from tuner_component.search.parallel.local.messages import KillWorker, StartWorker

# A worker that does not empty its end for so long, or stops halfway through a message,
# is hung; without a limit it would hang the driver too.
_STALL_S = 5
# More bytes than a trial with all that it has measured takes.
_LONGEST = 256 << 20
# Slower than any worker of this machine sends a message, in bytes per second.
_SLOWEST = 10e6


class DriversEnd(connection.Connection):
    """The driver's end of a connection: quick to ask, as it is for each message."""

    def __init__(self, handle: int) -> None:
        super().__init__(handle)
        # By its number: another connection may come behind it.
        self._asked = select.poll()
        self._asked.register(handle, select.POLLIN)

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Whether something has come."""
        return bool(self._asked.poll(None if timeout is None else 1e3 * timeout))


class WorkerChannel(DriversEnd):
    """The driver's end of the connection to a worker, which may send anything."""

    def send(self, message: Any) -> None:
        """Sends a message of plain values.

        They need nothing of what `multiprocessing` can send beside them, for which it
        sets up a table for each message.
        """
        self.send_bytes(pickle.dumps(message))

    def recv(self) -> Any:
        """Receives a message that is made of a worker's words, and of plain values."""
        try:
            data = self.recv_bytes(_LONGEST)
        except BlockingIOError as error:
            raise BadMessageError("stopped halfway through a message") from error
        except OSError as error:
            if error.errno is None and "length" in str(error):
                raise BadMessageError("sent a message that is too long") from error
            raise
        try:
            return _Unpickler(io.BytesIO(data)).load()
        except Exception as error:
            raise BadMessageError(f"sent what is no message ({error})") from error

    def _recv(
        self, size: int, read: Callable[[int, int], bytes] = os.read
    ) -> io.BytesIO:
        """Reads so many bytes, which must not take long.

        If they are none of a message's, heartbeats may come in their place: there is never
        nothing for long, and never enough.
        """
        deadline = time.monotonic() + _STALL_S + size / _SLOWEST

        def read_in_time(handle: int, at_most: int) -> bytes:
            if time.monotonic() > deadline:
                raise BlockingIOError
            return read(handle, at_most)

        return super()._recv(size, read_in_time)  # type: ignore[misc, no-any-return]


class _Unpickler(pickle.Unpickler):
    """Makes objects of a worker's words alone: others would bring the user's modules."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in protocol.WORDS_OF_WORKERS:
            raise pickle.UnpicklingError(f"it holds a {module}.{name}")
        return _word(module, name)


@functools.cache
def _word(module: str, name: str) -> Any:
    """The class of that name: each message names some."""
    return getattr(importlib.import_module(module), name)


class LocalEngine:
    """Has the fork server at the other end of a connection fork the workers.

    Args:
        server: The connection.
        shares: For each of so many workers, the variables that give it its share of the
            machine; raises a `ValueError` if there cannot be so many.
        workers: How many run at a time.
    """

    def __init__(
        self,
        server: connection.Connection,
        shares: Callable[[int], Sequence[Mapping[str, str]]] = lambda workers: [],
        workers: int = 0,
    ) -> None:
        self._server = server
        self._shares = shares
        self._asked = select.poll()
        self._asked.register(server.fileno(), select.POLLIN)
        self._places: dict[int, Place] = {}
        self.resize(workers)

    def fileno(self) -> int:
        """The descriptor that becomes readable when there are events."""
        return self._server.fileno()

    def places(self) -> Mapping[int, Place]:
        """The places of this machine: all of them, always."""
        return self._places

    def resize(self, workers: int) -> None:
        """Shares the machine out to another number of workers."""
        shares = self._shares(workers)
        self._places = {slot: Place(share) for slot, share in enumerate(shares)}

    def start(self, spec: protocol.WorkerSpec) -> Channel:
        """Starts a worker, and returns the driver's end of the connection to it."""
        ours, theirs = pair()
        with theirs:
            try:
                self.start_with(spec, theirs)
            except EngineLost:
                ours.close()
                raise
        return worker_channel(ours)

    def start_with(
        self, spec: protocol.WorkerSpec, channel: connection.Connection
    ) -> None:
        """Starts a worker that has its end of a connection already.

        Args:
            spec: The worker.
            channel: Its end; still to be closed here.

        Raises:
            EngineLost: If the fork server has ended.
        """
        try:
            self._server.send(StartWorker(spec))
            handles.send(self._server, channel)
        except OSError as error:
            raise EngineLost from error

    def kill(self, worker_id: str) -> None:
        """Ends a worker at once."""
        try:
            self._server.send(KillWorker(worker_id))
        except OSError as error:
            raise EngineLost from error

    def events(self) -> list[Event]:
        """What has happened since the last call."""
        news: list[Event] = []
        try:
            while self._asked.poll(0):  # At each step of the driver.
                news.append(self._server.recv())
        except (EOFError, OSError) as error:
            raise EngineLost from error
        return news


def pair() -> tuple[connection.Connection, connection.Connection]:
    """Two ends of a connection that exists nowhere but in these two objects."""
    left, right = socket.socketpair()
    for end in (left, right):
        end.setblocking(True)  # Whatever the script has set for all sockets.
    return (
        connection.Connection(left.detach()),
        connection.Connection(right.detach()),
    )


def worker_channel(
    channel: connection.Connection, kind: type[WorkerChannel] = WorkerChannel
) -> WorkerChannel:
    """Makes a connection, which is given away, the driver's end of one to a worker."""
    limit_stalls(channel.fileno())
    return kind(_detached(channel))


def _detached(channel: connection.Connection) -> int:
    """The descriptor of a connection, for another object that closes it."""
    with channel:
        return os.dup(channel.fileno())


def limit_stalls(descriptor: int) -> None:
    """Has reads and writes fail that take too long, on a descriptor that stays open."""
    with handles.socket_of(descriptor) as end:
        limit = struct.pack("ll", _STALL_S, 0)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
