"""Lines for a terminal."""

from __future__ import annotations

import math

import pytest

from tuner_component.console import text


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.5, "0.5 s"),
        (59.6, "60 s"),
        (61, "1 min 1 s"),
        (1800, "30 min"),
        (3700, "1 h 1 min"),
        (200_000, "2 d 7 h"),
    ],
)
def test_durations_are_short(seconds: float, told: str) -> None:
    """How long a search will take would be a number of seconds."""
    assert text.duration(seconds) == told


@pytest.mark.parametrize(
    "curve",
    [[], [1.0], [None, None], [math.nan, math.inf], [1.0, 1.0], [1e308, -1e308, 0.0]],
)
def test_any_curve_is_a_line(curve: list[float | None]) -> None:
    """A trial that diverged could not be shown."""
    assert len(text.sparkline(curve)) <= 24


def test_curve_goes_from_its_lowest_to_its_highest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would show another shape; or half of the longest curves."""
    assert text.sparkline([0.0, 1.0]) == "▁█"
    long = text.sparkline([float(n) for n in range(1000)])
    assert len(long) == 24 and (long[0], long[-1]) == ("▁", "█")


def test_as_many_columns_are_shown_as_fit() -> None:
    """Lines would be broken in the middle of a number."""
    header, rows = ["a", "b" * 30, "c"], [["1.5", "x", "z" * 99], ["10", "y", ""]]
    lines, count = text.table(header, rows, 24)
    assert count == 2 and max(map(len, lines)) <= 24
    assert [line.split() for line in lines[1:]] == [["1.5", "x"], ["10", "y"]]
    assert lines[2].startswith(" 10")  # Numbers stand to the right.
    assert text.table(header, rows, None)[1] == 3
