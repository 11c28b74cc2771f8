"""A worker's end of its connection to the driver: hears whole messages, or says why not.

Nobody but the driver should write there. But the user's code can reach every descriptor of
a process, and what is foreign once leaves nothing behind it that could be understood.
"""

import io
import os
import pickle
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

# More bytes than any message has.
_LONGEST = 256 << 20
# A message that has begun comes at once; over a network it may take a moment.
_PATIENCE_S = 60.0


class NoMessageError(Exception):
    """What has come is no message; says what it is."""


class WorkersEnd(connection.Connection):
    """The connection to the driver, from which messages come whole or not at all."""

    def recv(self) -> Any:
        """Receives a message, however long it takes until one begins.

        Raises:
            EOFError: If there will be no more.
            NoMessageError: If something else has come.
        """
        try:
            data = self.recv_bytes(_LONGEST)
        except OSError as error:
            if error.errno is None and "length" in str(error):
                raise NoMessageError("it would be too long") from error
            raise
        try:
            return pickle.loads(data)
        except Exception as error:
            raise NoMessageError(str(error)) from error

    def _recv_bytes(self, maxsize: int | None = None) -> io.BytesIO | None:
        self.poll(None)
        return super()._recv_bytes(maxsize)  # type: ignore[misc, no-any-return]

    def _recv(
        self, size: int, read: Callable[[int, int], bytes] = os.read
    ) -> io.BytesIO:
        """Reads so many bytes; those that are missing must not stay away for long."""

        def read_soon(handle: int, at_most: int) -> bytes:
            if not self.poll(_PATIENCE_S):
                raise NoMessageError("its end does not come")
            return read(handle, at_most)

        return super()._recv(size, read_soon)  # type: ignore[misc, no-any-return]
