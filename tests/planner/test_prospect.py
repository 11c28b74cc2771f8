"""What is expected of going on, as a number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from tests.planner.simulated import Simulated
from tests.support.spaces import unit_space
from tuner_component.planner import Planner


def _slope(values: Mapping[str, Any], epochs: int) -> float:
    return 0.1 + ((values["x0"] - 7) / 9) ** 2 + math.exp(-epochs / 3)


def test_less_and_less_is_expected() -> None:
    """People could not tell by it whether more trials would be worth it."""
    planner = Planner(unit_space(2, 10), max_trials=40, epochs=9, seed=1)
    run = Simulated(planner, _slope, 9, lambda values: 2.0)
    gains = []
    while run.step():
        if planner.prospect is not None:
            gains.append(planner.prospect.gain)
    assert gains[-1] < 0.1 * gains[0]
    assert all(gain >= 0.0 for gain in gains)
    prospect = planner.prospect
    assert prospect is not None
    assert (prospect.trials, prospect.noise > 0.0) == (10, True)
    each = sum(run.trained.values()) / len(run.trained)
    assert prospect.seconds == pytest.approx(10 * 2.0 * each)


def test_it_is_known_when_no_other_point_may_be_tried() -> None:
    """The report could not say whether a larger max_trials would have been worth it."""
    planner = Planner(unit_space(2, 10), max_trials=12, epochs=9, seed=1)
    Simulated(planner, _slope, 9).run()
    assert planner.prospect is not None and planner.prospect.gain > 0.0


def test_nothing_is_left_in_a_space_that_is_used_up() -> None:
    """A gain would be promised that no trial can bring."""
    planner = Planner(unit_space(1, 4), max_trials=40, epochs=1, seed=1)
    Simulated(planner, lambda v, e: 1.0 + v["x0"], 1).run()
    assert planner.prospect is not None and planner.prospect.gain == 0.0


def test_nothing_is_told_while_nothing_is_known() -> None:
    """A search in which all has failed would promise something."""
    planner = Planner(unit_space(1, 10), max_trials=9, epochs=3, seed=1)
    for trial in range(5):
        step = planner.next()
        planner.start(trial, step.values)  # type: ignore[union-attr]
        planner.fail(trial)
    planner.next()
    assert planner.prospect is None
