"""Bringing what is printed on a node to the study's own logs, while it is printed."""

import os
import queue
import threading
import time
from collections.abc import Iterator

from tuner_component.search.errors import SearchError
from tuner_component.search.parallel.logs import Logs
from tuner_component.search.parallel.ray.messages import LogGrew
from tuner_component.search.storage import files, held, local_files

# At most so much of a log at a time, so that a worker that prints without end does not
# fill the connection.
_PIECE = 256 << 10
# How often a log that grows is copied to where the study is kept.
_COPY_S = 10.0


class LogTail:
    """Follows the logs below a directory of a node.

    Args:
        directory: The directory.
        part: The part of it to look at, by its name; "" for all.
    """

    def __init__(self, directory: str, part: str = "") -> None:
        self._directory = directory
        self._part = os.path.join(directory, part)
        self._read: dict[str, int] = {}

    def news(self) -> Iterator[LogGrew]:
        """What was written since the last call, the beginning of it if it is much."""
        for place, _, names in os.walk(self._part):
            for name in names:
                path = os.path.join(place, name)
                read = self._read.get(path, 0)
                # Nearly all are of trials that have ended.
                if os.path.getsize(path) <= read:
                    continue
                with open(path, "rb") as file:
                    file.seek(read)
                    data = file.read(_PIECE)
                self._read[path] = read + len(data)
                yield LogGrew(os.path.relpath(path, self._directory), data)


class LogSink:
    """Appends what nodes send to the logs of the same names here.

    Where the study is kept somewhere else, what is there is copied there now and then: a
    file in a bucket cannot grow.

    Args:
        logs: The logs here.
    """

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._grown: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._copies = files.is_remote(logs.study)
        if self._copies:
            threading.Thread(target=self._copy, daemon=True, name="log copies").start()

    def take(self, grown: LogGrew) -> None:
        """Appends; a disk that is full costs lines of a log, not the search.

        So does a study that was moved or removed: nothing is written where it was.
        """
        local = os.path.normpath(self._logs.local)
        path = os.path.normpath(os.path.join(local, grown.path))
        if not path.startswith(f"{local}/"):
            return
        try:
            with open(_opened(path), "ab") as file:
                file.write(grown.data)
        except (OSError, SearchError) as error:
            print(f"Lines of {path} are lost: {error}", flush=True)
        else:
            if self._copies:
                self._grown.put(path)

    def _copy(self) -> None:
        while True:
            paths = {self._grown.get()}
            time.sleep(_COPY_S)  # What grows, grows on.
            while not self._grown.empty():
                paths.add(self._grown.get())
            for path in paths:
                self._logs.copy(path)


def _opened(path: str) -> int:
    """Opens a log to append to it.

    Its directory is made if need be, and not synced, as logs are not: each trial has one, and
    the driver would wait for the disk, and trials for the driver.
    """
    try:
        return _append_to(path)
    except FileNotFoundError:
        local_files.make_directory(os.path.dirname(path), durable=False)
        return _append_to(path)


def _append_to(path: str) -> int:
    place, name = held.locate(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.open(name, flags, 0o666, dir_fd=place)
