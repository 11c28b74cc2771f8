"""The driver's ends of its connections to other machines.

On one machine a message is there as soon as its first byte is. In a network the rest may be
seconds behind, or never come; and a driver that waits for it hears none of the others, who
would take it for dead.
"""

import io
import os
import socket
import struct
import time
from multiprocessing import connection

from tuner_component.search.machine import handles
from tuner_component.search.parallel.engine import WorkerExited
from tuner_component.search.parallel.local.engine import (
    DriversEnd,
    WorkerChannel,
    pair,
    worker_channel,
)
from tuner_component.search.parallel.ray import meeting

# Read at a time; and more bytes than any message has.
_PIECE = 1 << 18
_SIZE = struct.Struct("!i")
_LONGEST = 256 << 20
# A worker's last words come over another connection than the news of its end.
_LAST_WORDS_S = 2.0


class Link(DriversEnd):
    """A connection that has something for `recv` only when all of a message has come."""

    def __init__(self, handle: int) -> None:
        super().__init__(handle)
        self._is_at_end = False
        self._begin()

    def _begin(self) -> None:
        self._data = bytearray()
        # How many bytes are still to come, as far as is known: first those of the size.
        self._lacking = _SIZE.size
        self._size: int | None = None

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Whether a message (or the end) has come. Does not wait for the rest of one."""
        while self._lacking and not self._is_at_end:
            if not super().poll(timeout):
                return False
            piece = os.read(self.fileno(), min(self._lacking, _PIECE))
            self._is_at_end = not piece
            self._data += piece
            self._lacking -= len(piece)
            if self._size is None and not self._lacking:
                (self._size,) = _SIZE.unpack(self._data)
                self._data.clear()
                # The rest of one that is too long is never read.
                self._lacking = self._size if self._is_sane() else 0
        return True

    def _is_sane(self) -> bool:
        return self._size is not None and 0 <= self._size <= _LONGEST

    def _recv_bytes(self, maxsize: int | None = None) -> io.BytesIO | None:
        while not self.poll(None):
            pass
        if self._lacking:
            raise EOFError
        if not self._is_sane():
            return None
        message = io.BytesIO(self._data)
        self._begin()
        return message


class WorkerLink(Link, WorkerChannel):
    """The same for a worker, which may send anything."""


class WorkerLinks:
    """The connections to workers: expected, made, and at their end."""

    def __init__(self) -> None:
        self._channels: dict[str, WorkerChannel] = {}
        # The other ends of those that stand for a worker's until it comes.
        self._expected: dict[str, connection.Connection] = {}
        self._exits: dict[str, tuple[WorkerExited, float]] = {}

    def expect(self, worker_id: str) -> WorkerChannel:
        """The driver's end of a connection that a worker will make."""
        ours, theirs = pair()
        channel = worker_channel(ours, WorkerLink)
        self._channels[worker_id], self._expected[worker_id] = channel, theirs
        return channel

    def let_in(self, worker_id: str, handle: int) -> bool:
        """A worker's connection has come; one that nobody expects any more is closed.

        Returns:
            Whether it was expected.
        """
        theirs = self._expected.pop(worker_id, None)
        if theirs is not None:
            # The driver waits for this descriptor already; from now on it is the worker's.
            number = self._channels[worker_id].fileno()
            os.dup2(handle, number, inheritable=False)
            theirs.close()
        os.close(handle)
        return theirs is not None

    def hang_up(self, worker_id: str) -> None:
        """Has a worker that can still hear it end."""
        meeting.hang_up(self._channels[worker_id], socket.SHUT_WR)

    def ended(self, event: WorkerExited) -> None:
        """A worker has exited; `exits` tells when all that it said was received."""
        if theirs := self._expected.pop(event.worker_id, None):
            theirs.close()
        self._exits[event.worker_id] = event, time.monotonic() + _LAST_WORDS_S

    @property
    def some_end(self) -> bool:
        """Whether workers have exited that `exits` has not told of."""
        return bool(self._exits)

    def exits(self) -> list[WorkerExited]:
        """The exits that can be told now."""
        now = time.monotonic()
        told = [
            event
            for worker_id, (event, until) in self._exits.items()
            if now >= until or _is_at_end(self._channels[worker_id])
        ]
        for event in told:
            del self._exits[event.worker_id], self._channels[event.worker_id]
        return told


def _is_at_end(channel: WorkerChannel) -> bool:
    """Whether all that a worker has sent was received, and no more can come."""
    try:
        with handles.socket_of(channel) as end:
            return not end.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
