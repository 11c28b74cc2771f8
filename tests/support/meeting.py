"""A place where a process of a search and the test that watches it meet.

The process tells where it is and waits; the test looks at it, and lets it go on.
"""

import contextlib
from multiprocessing import connection
from pathlib import Path
from typing import Any

LIMIT_S = 60.0


class Guest:
    """A process that has come."""

    def __init__(self, channel: connection.Connection, news: dict[str, Any]) -> None:
        self.news = news
        self._channel = channel

    @property
    def pid(self) -> int:
        """Its id."""
        return int(self.news["pid"])

    def release(self) -> None:
        """Lets it go on. One that was killed meanwhile is no error."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._channel.send("go")


class Meeting:
    """The place, as the test has it."""

    def __init__(self, directory: Path) -> None:
        self.address = str(directory / "meeting")
        self._listener = connection.Listener(self.address, "AF_UNIX", backlog=64)

    def close(self) -> None:
        """Nobody can come any more."""
        self._listener.close()

    def fileno(self) -> int:
        """The descriptor that becomes readable when somebody comes."""
        return self._socket.fileno()

    def clear(self) -> None:
        """Forgets those who came and were not looked at: they are dead by now."""
        while not self.stays_empty(0):
            self._listener.accept().close()

    def next(self, timeout: float = LIMIT_S) -> Guest:
        """Waits for the next one to come."""
        assert not self.stays_empty(timeout), "nobody came"
        channel = self._listener.accept()
        return Guest(channel, channel.recv())

    def stays_empty(self, seconds: float) -> bool:
        """Whether nobody comes for so long."""
        return not connection.wait([self], seconds)

    @property
    def _socket(self) -> Any:
        return self._listener._listener._socket  # type: ignore[attr-defined]


def attend(address: str, **news: Any) -> None:
    """Comes to the meeting, and waits until the test lets go."""
    with connection.Client(address, "AF_UNIX") as channel:
        channel.send(news)
        channel.recv()
