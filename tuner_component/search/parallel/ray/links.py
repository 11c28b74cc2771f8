"""The driver's ends of its connections to other machines.

On one machine a message is there as soon as its first byte is. In a network the rest may be
seconds behind, or never come; and a driver that waits for it hears none of the others, who
would take it for dead.
"""

import io
import os
import struct
from multiprocessing import connection

from tuner_component.search.parallel.local.engine import WorkerChannel

# Read at a time; and more bytes than any message has.
_PIECE = 1 << 18
_LONGEST = 256 << 20


class Link(connection.Connection):
    """A connection that has something for `recv` only when all of a message has come."""

    def __init__(self, handle: int) -> None:
        super().__init__(handle)
        self._head, self._body = bytearray(), bytearray()
        self._is_at_end = False

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Whether a message (or the end) has come. Does not wait for the rest of one."""
        while (lacking := self._lacking()) and not self._is_at_end:
            if not super().poll(timeout):
                return False
            piece = os.read(self.fileno(), min(lacking, _PIECE))
            self._is_at_end = not piece
            part = self._head if len(self._head) < 4 else self._body
            part += piece
        return True

    def _lacking(self) -> int:
        """How many bytes are still to come, as far as is known."""
        if len(self._head) < 4:
            return 4 - len(self._head)
        return max(0, self._size() - len(self._body))

    def _size(self) -> int:
        """The message's size; 0 for one that is too long, whose rest is never read."""
        (size,) = struct.unpack("!i", self._head)
        return size if 0 <= size <= _LONGEST else 0

    def _recv_bytes(self, maxsize: int | None = None) -> io.BytesIO | None:
        while not self.poll(None):
            pass
        if self._lacking():
            raise EOFError
        (size,) = struct.unpack("!i", self._head)
        if size != self._size():
            return None
        message = io.BytesIO(bytes(self._body))
        self._head, self._body = bytearray(), bytearray()
        return message


class WorkerLink(Link, WorkerChannel):
    """The same for a worker, which may send anything."""
