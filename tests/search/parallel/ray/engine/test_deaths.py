"""Nodes on which agents die."""

import math

import pytest

from tuner_component.search.parallel.ray.engine import deaths


def test_a_node_where_agents_die_is_left_out_for_good() -> None:
    """Agents would be started on it for ever, and each import TensorFlow."""
    counted = deaths.Deaths()
    assert [counted.count("a", False) for _ in "123"] == [0, 0, math.inf]
    assert counted.count("b", False) == 0


def test_a_node_without_memory_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node would be lost for days that others have filled for a minute."""
    now = 1000.0
    monkeypatch.setattr(deaths.time, "monotonic", lambda: now)
    counted = deaths.Deaths()
    assert [counted.count("a", True) for _ in "123"] == [0, 0, 300.0]
    assert counted.rested() == []
    now += 301
    assert counted.rested() == ["a"] and counted.rested() == []
    assert [counted.count("a", True) for _ in "123"] == [0, 0, 600.0]


def test_one_death_for_want_of_memory_is_no_excuse_for_others() -> None:
    """A node where nothing can run would be tried again for ever."""
    counted = deaths.Deaths()
    assert [counted.count("a", why) for why in (True, False, True)][-1] == math.inf


def test_a_node_that_has_served_begins_anew() -> None:
    """Three deaths in a week would leave it out."""
    counted = deaths.Deaths()
    for _ in range(5):
        assert [counted.count("a", False) for _ in "12"] == [0, 0]
        counted.serves("a")
