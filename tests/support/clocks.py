"""Clocks that are off."""

from __future__ import annotations

import os
import time

# By how many seconds the clock is off in processes that have it in their environment.
AHEAD_S = "TEST_CLOCK_AHEAD_S"


def shift() -> None:
    """Has this process's clock be off, if its environment says so."""
    ahead_s = float(os.environ.get(AHEAD_S, "0"))
    if ahead_s:
        true = time.time
        time.time = lambda: true() + ahead_s
