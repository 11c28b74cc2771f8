"""Values of an objective as a model sees them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tuner_component.planner.scale import Scale


def test_diverged_values_are_the_worst_and_distort_nothing() -> None:
    """One diverged trial would make all others look alike."""
    values = np.array([0.1, 0.2, 0.3, 0.4, 1e30, math.inf, math.nan, -math.inf])
    scaled = Scale(values).scaled(values)
    assert np.isfinite(scaled[:7]).all()
    assert np.argmax(scaled[:5]) == 4
    assert scaled[5] == scaled[6] == scaled[:7].max() == 1.5
    assert scaled[1] - scaled[0] > 0.5


def test_a_scale_of_equal_or_no_values_is_one_all_the_same() -> None:
    """The first suggestions would divide by nothing."""
    for values in ([], [2.0], [2.0, 2.0], [math.nan], [0.0, 0.0]):
        assert np.isfinite(Scale(np.array(values)).scaled([1.0, 0.0, math.nan])).all()


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
