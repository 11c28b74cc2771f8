"""Telling the process that wants the result how the search is going."""

import contextlib
import logging
import select
import sys
import threading
from collections.abc import Iterator
from multiprocessing import connection
from typing import Any

from tuner_component.search import events
from tuner_component.search.parallel import protocol


class Reporter:
    """The driver's word to the process that wants the result; from any thread.

    As an observer it passes events on.

    Args:
        wire: Connection to that process.
    """

    def __init__(self, wire: connection.Connection) -> None:
        self._wire = wire
        self._lock = threading.Lock()

    def __call__(self, event: events.Event) -> None:
        """Sends an event; left out where nobody listens: the search does not wait."""
        self.mention(protocol.Progress(event))

    def mention(self, message: Any) -> bool:
        """Sends what may be left out; returns whether it was sent."""
        with self._lock:
            _, writable, _ = select.select([], [self._wire], [], 0)
            if not writable:
                return False
            try:
                self._wire.send(message)
            except OSError:  # Its end will be noticed.
                return False
            return True

    def send(self, message: Any) -> None:
        """Sends what must arrive."""
        with self._lock:
            self._wire.send(message)

    @contextlib.contextmanager
    def passing_on_logs(self) -> Iterator[None]:
        """Has what this package logs here logged there too, where people look."""
        handler = _LogHandler(self)
        logger = logging.getLogger("tuner_component")
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)


class _LogHandler(logging.Handler):
    def __init__(self, reporter: Reporter) -> None:
        super().__init__()
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if not self._reporter.mention(
            protocol.Logged(record.name, record.levelno, text)
        ):
            with contextlib.suppress(OSError):  # The log's disk may be full.
                print(text, file=sys.stderr)
