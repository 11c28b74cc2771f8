"""What is expected of going on, as a number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.planner.simulated import Simulated
from tests.support.spaces import unit_space
from tuner_component.planner import Planner
from tuner_component.planner.curve_model import Scale, log_improvement
from tuner_component.planner.prospect import expected_improvement_of


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (2.0, 0.5), (-1.0, 0.1)])
def test_of_one_value_it_is_the_expected_improvement(
    mean: float, deviation: float
) -> None:
    """The gain that people read would not be what the search decides by."""
    means, deviations = np.array([mean]), np.array([deviation])
    exact = math.exp(log_improvement(means, deviations, 0.5)[0])
    found = expected_improvement_of(means, deviations, 0.5)
    assert found == pytest.approx(exact, rel=1e-2, abs=1e-5)


def test_of_several_values_it_is_that_of_their_best() -> None:
    """The gains of all would be added up, or only one be looked at."""
    means, deviations = np.array([0.0, 0.3, 1.0]), np.array([1.0, 0.5, 2.0])
    draws = np.random.default_rng(1).normal(means, deviations, (400_000, 3))
    exact = np.maximum(0.2 - draws.min(axis=1), 0.0).mean()
    found = expected_improvement_of(means, deviations, 0.2)
    assert found == pytest.approx(exact, rel=1e-2)


def test_nothing_is_expected_of_no_value_and_of_hopeless_ones() -> None:
    """A search whose space is used up would fail, or go on."""
    assert expected_improvement_of(np.zeros(0), np.zeros(0), 0.5) == 0.0
    assert expected_improvement_of(np.array([9.0]), np.array([0.1]), 0.5) == 0.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_gain_is_in_the_unit_of_the_objective(sign: float) -> None:
    """0.003 of a scale that nobody knows would be told as 0.003 of val_loss."""
    values = np.array([1.0, 2.0, 4.0, 8.0, 16.0]) * sign
    scale = Scale(values)
    for value in values:
        units = scale.scaled([value])[0]
        better = value - scale.difference(value, 0.3)
        if units < 0.0:  # Nothing is squeezed there.
            assert scale.scaled([better])[0] == pytest.approx(units - 0.3)


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
