"""A place where a process of a search meets the test that watches it.

The process says where it is and waits; the test looks at it, and lets it continue.
"""

import contextlib
from multiprocessing import connection
from pathlib import Path
from typing import Any

from tests.support import limits


class Guest:
    """A process that has come to the meeting."""

    def __init__(self, channel: connection.Connection, news: dict[str, Any]) -> None:
        self.news = news
        self._channel = channel

    @property
    def pid(self) -> int:
        """Its id."""
        return int(self.news["pid"])

    def release(self) -> None:
        """Lets it continue. It is no error if the process was killed meanwhile."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._channel.send("go")


class Meeting:
    """The test's side of the meeting."""

    def __init__(self, directory: Path) -> None:
        self.address = str(directory / "meeting")
        self._listener = connection.Listener(self.address, "AF_UNIX", backlog=64)

    def close(self) -> None:
        """Closes the meeting: no process can come any more."""
        self._listener.close()

    def fileno(self) -> int:
        """The descriptor that becomes readable when a process comes."""
        return self._socket.fileno()

    def clear(self) -> None:
        """Forgets the guests that the test did not look at: they are dead by now."""
        while not self.stays_empty(0):
            self._listener.accept().close()

    def next(self, timeout: float = limits.WAIT_S) -> Guest:
        """Waits for the next process to come."""
        assert not self.stays_empty(timeout), "no process came"
        channel = self._listener.accept()
        return Guest(channel, channel.recv())

    def stays_empty(self, seconds: float) -> bool:
        """Whether no process comes for this many seconds."""
        return not connection.wait([self], seconds)

    @property
    def _socket(self) -> Any:
        return self._listener._listener._socket  # type: ignore[attr-defined]


def attend(address: str, **news: Any) -> None:
    """Comes to the meeting, and waits until the test lets the process continue."""
    with connection.Client(address, "AF_UNIX") as channel:
        channel.send(news)
        channel.recv()
