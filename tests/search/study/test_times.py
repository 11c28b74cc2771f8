"""Times of studies are told apart by the moment, wherever they were written down."""

import math
import re
import time

import pytest

from tuner_component.search.study import times


def test_what_is_written_now_is_now() -> None:
    """A study would seem to have begun hours ago."""
    assert times.moment(times.now()) == pytest.approx(time.time(), abs=2)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-01-02T14:49:00+0900", "2026-01-02T05:49:02+0000"),
        ("2026-01-02T01:00:00+0200", "2026-01-01T23:30:00+0000"),
        ("2026-10-25T02:30:00+0200", "2026-10-25T02:10:00+0100"),  # Clocks put back.
        ("2026-01-02T05:49:00+00:00", "2026-01-02T05:49:01Z"),
        ("2026-01-02", "2026-01-02T00:00:01+0000"),
        ("no time", "1971-01-01T00:00:00+0000"),
    ],
)
def test_moments_are_compared_not_texts(earlier: str, later: str) -> None:
    """A laptop's search would be taken for one that a pod began after it."""
    assert times.moment(earlier) < times.moment(later)


@pytest.mark.parametrize("odd", [1e300, -1e300, math.inf, -math.inf, math.nan, -1.0])
def test_any_number_is_a_moment(odd: float) -> None:
    """One odd time in a file would cost the page of a whole search."""
    assert re.fullmatch(r"(9999|1970|1969)-\d\d-\d\d \d\d:\d\d:\d\d", times.shown(odd))
