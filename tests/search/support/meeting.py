"""A place where a trial and the test that watches it meet.

The trial tells where it is and waits; the test looks at it, and lets it go on.
"""

from multiprocessing import connection
from pathlib import Path
from typing import Any

LIMIT_S = 60.0


class Guest:
    """A trial that has come."""

    def __init__(self, channel: connection.Connection, news: dict[str, Any]) -> None:
        self.news = news
        self._channel = channel

    @property
    def pid(self) -> int:
        """The process it runs in."""
        return int(self.news["pid"])

    def release(self) -> None:
        """Lets it go on."""
        self._channel.send("go")


class Meeting:
    """The place, as the test has it."""

    def __init__(self, directory: Path) -> None:
        self.address = str(directory / "meeting")
        self._listener = connection.Listener(self.address, "AF_UNIX", backlog=64)

    def close(self) -> None:
        """Nobody can come any more."""
        self._listener.close()

    def next(self, timeout: float = LIMIT_S) -> Guest:
        """Waits for the next trial to come."""
        assert not self.stays_empty(timeout), "nobody came"
        channel = self._listener.accept()
        return Guest(channel, channel.recv())

    def stays_empty(self, seconds: float) -> bool:
        """Whether nobody comes for so long."""
        sock = self._listener._listener._socket  # type: ignore[attr-defined]
        return not connection.wait([sock], seconds)


def attend(address: str, **news: Any) -> None:
    """Comes to the meeting, and waits until the test lets go."""
    with connection.Client(address, "AF_UNIX") as channel:
        channel.send(news)
        channel.recv()
