"""Times as studies have them: text that people read, with its offset from UTC.

A search that began at 14:49+0900 began two seconds before one of 05:49:02+0000: such text
is compared by the moment that it names, never as it is.
"""

import datetime
import math
import time

# The last moment that is in the calendar in any zone: a file may say anything.
_LAST = 253_402_128_000.0


def now() -> str:
    """The current time, in the zone of this machine, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def moment(text: object) -> float:
    """The moment that a text names, in seconds since the epoch.

    Args:
        text: What `now` returned; or any ISO 8601 time, one without an offset being UTC.

    Returns:
        Minus infinity if it names none: it comes before all that are known.
    """
    found = _parsed(str(text))
    if found is None:
        return float("-inf")
    if found.tzinfo is None:
        found = found.replace(tzinfo=datetime.timezone.utc)
    return found.timestamp()


def in_calendar(seconds: float) -> float:
    """The nearest moment that a calendar has, in seconds since the epoch; 0 for NaN."""
    return 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), _LAST)


def shown(seconds: float) -> str:
    """A moment as people read it, in the zone of this machine.

    Args:
        seconds: Since the epoch; any number.
    """
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(in_calendar(seconds)))


def _parsed(text: str) -> datetime.datetime | None:
    try:
        # Before Python 3.11, `fromisoformat` knows no offset without a colon.
        return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        pass
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
