"""Lines for a terminal, of what may have anything in it."""

import math
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from tuner_component.search.study import times

_BARS = "▁▂▃▄▅▆▇█"
# Of a cell of a table, and between two of them.
_CELL, _GAP = 16, 2


def printable(text: str) -> str:
    """The text with escapes for what a terminal would obey, or could not show.

    A message of a trial may have anything in it.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


def width() -> int | None:
    """How many characters a line has; None where standard output is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def value(number: Any) -> str:
    """A value of a metric or a hyperparameter, short enough for a table."""
    if isinstance(number, float):
        return f"{number:.6g}"
    return printable(str(number))


def shortened(text: str, length: int = _CELL) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], line: int | None
) -> tuple[list[str], int]:
    """A table with as many columns as fit.

    Args:
        header: Of each column.
        rows: Their cells. Those of a column with numbers alone stand to the right.
        line: How many characters a line has; None for as many as it needs.

    Returns:
        Its lines, and how many of the columns are in them.
    """
    columns = [[header[i], *(row[i] for row in rows)] for i in range(len(header))]
    cells: list[list[str]] = []
    used = 0
    for column in columns:
        cut = column if line is None else [shortened(cell) for cell in column]
        wide = max(map(len, cut))
        if line is not None and cells and used + wide > line:
            break
        right = all(_is_number(cell) for cell in cut[1:] if cell) and any(cut[1:])
        cells.append([c.rjust(wide) if right else c.ljust(wide) for c in cut])
        used += wide + _GAP
    lines = [(" " * _GAP).join(row).rstrip() for row in zip(*cells, strict=True)]
    return lines, len(cells)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def sparkline(curve: Sequence[Any], length: int = 24) -> str:
    """A curve as a row of bars, from its lowest value to its highest."""
    known = [float(v) for v in curve if v is not None and math.isfinite(v)]
    if len(known) < 2 or not _can_show(_BARS):
        return ""
    if len(known) > length:
        last = len(known) - 1
        known = [known[round(i * last / (length - 1))] for i in range(length)]
    low, high = min(known), max(known)
    steps = len(_BARS) - 1
    span = high - low
    if not (span > 0 and math.isfinite(span)):
        return _BARS[0] * len(known)
    return "".join(_BARS[round((v - low) / span * steps)] for v in known)


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 60:
        return f"{seconds:.3g} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def moment(seconds: float | None) -> str:
    """A time of day here, of seconds since the epoch."""
    if seconds is None or not math.isfinite(seconds):
        return "unknown"
    return times.shown(seconds)
