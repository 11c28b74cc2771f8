"""Searches where it takes long to begin a trial."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks import beginnings, replay, synthetic_curves
from benchmarks.beginnings import IGNORES, LEARNS, Case
from benchmarks.scoring import Score


def test_auto_learns_what_it_takes_to_begin() -> None:
    """The benchmark would measure a search that is told what real ones have to find out."""
    task = synthetic_curves.TASKS["tiny"]()
    start_s = 8 * task.training_s / 27
    searcher = beginnings.Learning(task, 0, start_s)
    replay.run(searcher, task, 2, 20 * start_s, start_s=start_s)
    known = searcher.planner._trials.start_s
    assert known == pytest.approx(start_s, rel=0.5)


def _score(seconds: float) -> Score:
    return Score(False, False, seconds, 0.1, seconds / 1e4, 0.0, 0.0)


def test_the_better_search_has_the_smaller_mean_over_tasks() -> None:
    """The goal would be met by the worse one, or by one task alone."""
    found = {
        Case("a", LEARNS, 8, 0): _score(10.0),
        Case("b", LEARNS, 8, 0): _score(1000.0),
        Case("a", IGNORES, 8, 0): _score(20.0),
        Case("b", IGNORES, 8, 0): _score(2000.0),
    }
    figures = beginnings.figures_of(found)
    for figure in ("seconds", "area"):
        of_figure = figures[f"8 epochs, {figure}"]
        assert of_figure["times"] == {LEARNS: 1.0, IGNORES: pytest.approx(2.0)}
    assert figures["8 epochs, seconds"]["means"][LEARNS] == pytest.approx(100.0)


def test_all_searches_have_the_time_that_beginnings_add() -> None:
    """Those that begin few trials would look better, or none would reach anything."""
    found = Case("tiny", "kerastuner random", 27, 0)
    slow = beginnings.score_of(found)
    quick = beginnings.score_of(dataclasses.replace(found, length=0))
    assert slow.loss == quick.loss
    assert slow.seconds == pytest.approx(2 * quick.seconds, rel=0.1)
