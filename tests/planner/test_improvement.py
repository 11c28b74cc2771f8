"""By how much values may be better than the best one so far."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tuner_component.planner.improvement import (
    chance,
    expected_improvement_of,
    log_improvement,
)


def test_an_improvement_counts_its_chance_and_its_size() -> None:
    """A sure small gain would never be taken, or a large unlikely one always."""
    mean, deviation = np.array([0.0, 0.0, -1.0, 2.0]), np.array([1.0, 2.0, 0.1, 1.0])
    gains = np.exp(log_improvement(mean, deviation, 0.0))
    np.testing.assert_allclose(gains, [0.39894, 0.79788, 1.0, 0.00849], atol=1e-4)
    assert chance(mean, deviation, 0.0)[0] == 0.5


def test_improvements_differ_where_hardly_any_is_expected() -> None:
    """When all is tried that looks good, the next point would be any of the others."""
    means = np.array([0.9, 1.1, 5.0, 30.0, 299.0, 301.0, 1e5])
    gains = log_improvement(means, np.ones(7), 0.0)
    assert np.isfinite(gains).all()
    assert (np.diff(gains) < 0.0).all()


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
