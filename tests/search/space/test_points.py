"""Configurations that somebody names, as points of a search space."""

from __future__ import annotations

import math
from typing import Any

import keras_tuner
import pytest

from tuner_component.search.space import points
from tuner_component.search.space.dimensions import Dimension, dimensions


def _space() -> list[Dimension]:
    """With a name that has other values under another condition."""
    hp = keras_tuner.HyperParameters()
    kind = "kind"
    hp.Choice(kind, ["few", "many"])
    with hp.conditional_scope(kind, ["few"]):
        hp.Int("units", 1, 10)
    with hp.conditional_scope(kind, ["many"]):
        hp.Int("units", 100, 200)
    hp.Choice("width", [16, 32])
    hp.Float("rate", 0.0, 2.0)
    return dimensions(hp.space)


def test_points_of_one_name_are_two() -> None:
    """A configuration would be refused, as if it had been tried."""
    few, many = ({"kind": "many", "units": units} for units in (150, 180))
    space = _space()
    points.point_of(space, many)
    assert points.place_of(space, few) != points.place_of(space, many)
    assert points.place_of(space, few) == points.place_of(space, dict(few))


def test_numbers_are_of_the_type_that_is_wanted() -> None:
    """A layer would be made with 16.0 units, which fails."""
    point = points.point_of(_space(), {"width": 16.0, "units": 2.0, "rate": 1})
    assert point == {"kind": "few", "units": 2, "width": 16, "rate": 1.0}
    assert [type(point[name]) for name in ("units", "width", "rate")] == [
        int,
        int,
        float,
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", None])
def test_what_is_no_value_is_said(value: Any) -> None:
    """The trial would fail, or train something else than was asked for."""
    with pytest.raises(ValueError, match=r"Expected 'rate' .* Received: .* of type"):
        points.point_of(_space(), {"rate": value})
