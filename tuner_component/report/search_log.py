"""The log of a search, on standard output: a line for each event.

TFX's own log stays where absl sends it, on standard error. Clusters keep the two apart,
and log viewers take all of standard error for errors.
"""

import contextlib
import logging
import sys
from collections.abc import Iterator

from absl import logging as absl_logging

_LOG = logging.getLogger("tuner_component")


@contextlib.contextmanager
def on_stdout(
    form: logging.Formatter | None = None, level: int | None = None
) -> Iterator[None]:
    """Shows what this package logs, at the level at which TFX's own lines are shown.

    Each line is written whole and at once, even if standard output is buffered.
    Handlers for other places, such as a file, get the lines as well. If the user has set
    a level or a handler for this package's logger, nothing is changed.

    Args:
        form: Of a line; by default that of TFX's own lines.
        level: What is shown; by default what is shown of TFX.
    """
    if _LOG.level != logging.NOTSET or _LOG.handlers:
        yield
        return
    handler = _Handler(sys.stdout)
    handler.setFormatter(form or absl_logging.PythonFormatter())
    others = [other for other in logging.getLogger().handlers if _shows(other)]
    if level is None:
        level = absl_logging.get_absl_logger().getEffectiveLevel()
    _LOG.setLevel(level)
    _LOG.addHandler(handler)
    for other in others:
        other.addFilter(_is_not_ours)
    try:
        yield
    finally:
        for other in others:
            other.removeFilter(_is_not_ours)
        _LOG.removeHandler(handler)
        _LOG.setLevel(logging.NOTSET)


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]
    """Loses no line for a character that the stream has no bytes for."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with escapes in place of such characters."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        line = super().format(record)
        return line.encode(encoding, "backslashreplace").decode(encoding)


def _shows(handler: logging.Handler) -> bool:
    """Whether a handler writes to the terminal, where a line would be seen twice."""
    if handler is absl_logging.get_absl_handler():  # Its `stream` may be anything.
        return True
    stream = getattr(handler, "stream", None)
    return stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)


def _is_not_ours(record: logging.LogRecord) -> bool:
    return record.name.split(".")[0] != _LOG.name
