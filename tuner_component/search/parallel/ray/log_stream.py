"""Bringing what is printed on a node to the study's own logs, while it is printed."""

import os
from collections.abc import Iterator

from tuner_component.search.parallel.logs import Logs
from tuner_component.search.parallel.ray.messages import LogGrew

# At most so much of a log at a time, so that a worker that prints without end does not
# fill the connection.
_PIECE = 256 << 10


class LogTail:
    """Follows the logs below a directory of a node.

    Args:
        directory: The directory.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._read: dict[str, int] = {}

    def news(self) -> Iterator[LogGrew]:
        """What was written since the last call, the beginning of it if it is much."""
        for place, _, names in os.walk(self._directory):
            for name in names:
                path = os.path.join(place, name)
                with open(path, "rb") as file:
                    file.seek(self._read.get(path, 0))
                    data = file.read(_PIECE)
                if data:
                    self._read[path] = self._read.get(path, 0) + len(data)
                    yield LogGrew(os.path.relpath(path, self._directory), data)


def take(logs: Logs, grown: LogGrew) -> None:
    """Appends what a node has sent to the log of the same name here.

    A disk that is full costs lines of a log, not the search.
    """
    path = os.path.normpath(os.path.join(logs.local, grown.path))
    if not path.startswith(f"{os.path.normpath(logs.local)}/"):
        return
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "ab") as file:
            file.write(grown.data)
    except OSError as error:
        print(f"Lines of {path} are lost: {error}", flush=True)
