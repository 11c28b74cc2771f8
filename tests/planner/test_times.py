"""How long trials take to begin, and how long their epochs take."""

from __future__ import annotations

import pytest

from tuner_component.planner.times import Times


def _times(*legs: tuple[str, int, float]) -> Times:
    times = Times()
    for leg in legs:
        times.add(*leg)
    return times


def test_a_beginning_is_told_from_epochs_by_legs_of_different_lengths() -> None:
    """The first epoch, which compiles the model, would count as long as all others."""
    times = _times(("a", 1, 9.0), ("b", 1, 10.0), ("a", 3, 11.0), ("c", 1, 8.5))
    assert times.start_s == 8.0
    assert times.epoch_s["a"] == pytest.approx(1.0)
    # A beginning alone may have taken so much more, or less.
    assert 1.0 < times.epoch_s["b"] < 1.5
    assert 0.5 < times.epoch_s["c"] < 1.0


@pytest.mark.parametrize("seconds", [4.0, 500.0])
def test_as_long_as_nothing_tells_them_apart_all_is_epochs(seconds: float) -> None:
    """What is not known would be made up."""
    times = _times(("a", 3, 3 * seconds), ("b", 1, seconds))
    assert times.start_s is None
    assert times.epoch_s["a"] == times.epoch_s["b"] == pytest.approx(seconds, rel=0.4)


def test_what_is_over_in_a_moment_is_all_alike() -> None:
    """Two runs of a search whose trials take no time would not be alike."""
    times = _times(("a", 1, 0.02), ("a", 3, 0.07), ("b", 1, 0.05), ("b", 9, 0.2))
    assert times.start_s == 0.0
    assert times.epoch_s == {"a": 0.1, "b": 0.1}


def test_a_trial_that_takes_longer_is_known_without_a_beginning() -> None:
    """What costs more would be as good as what costs less."""
    times = _times(("a", 1, 0.5), ("a", 3, 1.5), ("b", 1, 2.0), ("c", 1, 0.3))
    assert times.start_s == 0.0
    assert times.epoch_s == pytest.approx({"a": 0.5, "b": 2.0, "c": 0.3})


def test_one_trial_that_waited_long_hardly_counts() -> None:
    """A worker that had died would make all beginnings look long."""
    times = Times()
    for number in range(5):
        trial = str(number)
        times.add(trial, 1, 900.0 if number == 2 else 5.0)
        times.add(trial, 3, 7.0)
    assert times.start_s == 4.0
    assert {times.epoch_s[trial] for trial in "0134"} == {1.0}


def test_a_resumed_search_knows_the_same() -> None:
    """It would learn again what beginning takes, or decide otherwise."""
    times = _times(("a", 1, 9.0), ("b", 1, 10.0), ("a", 3, 11.23456))
    again = Times(times.legs)
    assert (again.start_s, again.epoch_s) == (times.start_s, times.epoch_s)
    for one in (times, again):
        one.add("b", 3, 14.0)
    assert (again.start_s, again.epoch_s) == (times.start_s, times.epoch_s)
