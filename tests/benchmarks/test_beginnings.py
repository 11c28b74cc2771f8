"""Searches where it takes long to begin a trial."""

from __future__ import annotations

import dataclasses
import math

import pytest

from benchmarks import beginnings, replay, synthetic_curves
from benchmarks.beginnings import IGNORES, LEARNS, Case


def test_auto_learns_what_it_takes_to_begin() -> None:
    """The benchmark would measure a search that is told what real ones have to find out."""
    task = synthetic_curves.TASKS["tiny"]()
    start_s = 8 * task.training_s / 27
    searcher = beginnings.Learning(task, 0, start_s)
    replay.run(searcher, task, 2, 20 * start_s, start_s=start_s)
    known = searcher.planner._trials.start_s
    assert known == pytest.approx(start_s, rel=0.5)


def test_the_better_search_is_so_many_times_as_fast() -> None:
    """The goal would be met by the worse one, or by one task alone."""
    found = {
        Case("a", LEARNS, 8, 0): 10.0,
        Case("b", LEARNS, 8, 0): 1000.0,
        Case("a", IGNORES, 8, 0): 20.0,
        Case("b", IGNORES, 8, 0): 2000.0,
    }
    figures = beginnings.figures_of(found)["8 epochs"]
    assert figures["times as fast"] == {LEARNS: 1.0, IGNORES: pytest.approx(2.0)}
    assert figures["seconds"][LEARNS] == pytest.approx(100.0)


def test_a_search_that_misses_the_target_has_all_the_time() -> None:
    """One that gives up would look better than one that goes on."""
    found = Case("noisy", "kerastuner hyperband", 8, 0)
    seconds = beginnings.seconds_of(found)
    assert math.isfinite(seconds)
    assert seconds > beginnings.seconds_of(dataclasses.replace(found, length=0))
