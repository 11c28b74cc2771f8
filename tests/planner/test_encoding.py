"""Points of a search space as vectors."""

from __future__ import annotations

import keras_tuner
import numpy as np

from tests.support.spaces import conditional_space
from tuner_component.planner.encoding import Encoder
from tuner_component.search.space.dimensions import dimensions


def _encoder() -> Encoder:
    return Encoder(conditional_space())


def test_a_point_comes_back_as_it_was() -> None:
    """Another point would be trained than the model has chosen."""
    encoder = _encoder()
    draw = np.random.default_rng(0)
    numbers = encoder.drawn(draw.random((50, len(encoder.dimensions))))
    for row, key in zip(numbers, encoder.keys(numbers), strict=True):
        again = encoder.numbers(encoder.values(row))
        assert again is not None
        assert encoder.keys(again[None]) == [key]


def test_what_is_inactive_has_no_value() -> None:
    """Points that are the same would be tried again and again."""
    encoder = _encoder()
    draw = np.random.default_rng(0)
    drawn = encoder.drawn(draw.random((200, len(encoder.dimensions))))
    near = encoder.mutated(drawn, draw)
    for row in (*drawn, *near):
        values = encoder.values(row)
        assert ("layers" in values) == (values["kind"] == "deep")
    assert len(set(encoder.keys(drawn[:, :0]))) == 1


def test_unordered_values_are_all_as_far_from_each_other() -> None:
    """The model would think that neighbours in a list are alike."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["a", "b", "c"])
    vectors = Encoder(dimensions(hp.space)).vectors(np.array([[0.0], [1.0], [2.0]]))
    squares = ((vectors[:, None] - vectors) ** 2).sum(-1)
    np.testing.assert_allclose(squares, 1.0 - np.eye(3))


def test_being_inactive_is_a_value_of_its_own() -> None:
    """An inactive dimension would count as one of its values."""
    encoder = _encoder()
    points = [
        {"units": 4, "rate": 0.1, "kind": "deep", "layers": layers}
        for layers in (1, 2, 3)
    ]
    rows = [
        encoder.numbers(p) for p in (*points, {"units": 4, "rate": 0.1, "kind": "flat"})
    ]
    vectors = encoder.vectors(np.array(rows))
    apart = np.abs(vectors[:3] - vectors[3])[:, encoder.groups == 3]
    assert (apart.sum(axis=1) > 0.5).all()


def test_a_value_outside_of_the_space_is_none_of_its_points() -> None:
    """A result of an earlier search would count for another point."""
    values = {"units": 400, "rate": 0.1, "kind": "flat"}
    assert _encoder().numbers(values) is None


def test_what_nobody_knew_before_has_its_default() -> None:
    """A point would be tried again, and its result count for another one."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["flat", "deep"], default="deep")
    with hp.conditional_scope("kind", ["deep"]):
        hp.Int("layers", 1, 3, default=2)
    hp.Int("units", 2, 8, step=2, default=3)
    encoder = Encoder(dimensions(hp.space))
    numbers = encoder.numbers({})
    assert numbers is not None
    # A default that is none of the values is left out.
    assert encoder.values(numbers) == {"kind": "deep", "layers": 2}
    flat = encoder.numbers({"kind": "flat", "units": 4})
    assert flat is not None
    assert encoder.values(flat) == {"kind": "flat", "units": 4}


def test_all_points_are_listed_once() -> None:
    """A small space would end before all of it was tried."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["flat", "deep"])
    with hp.conditional_scope("kind", ["deep"]):
        hp.Int("layers", 1, 3)
    encoder = Encoder(dimensions(hp.space))
    every = encoder.every(100)
    assert every is not None
    found = [tuple(encoder.values(row).values()) for row in every]
    assert sorted(found) == [("deep", 1), ("deep", 2), ("deep", 3), ("flat",)]
    assert _encoder().every(1000) is None  # One of its dimensions is continuous.


def test_a_whole_number_has_one_place_on_a_curved_scale() -> None:
    """Points that are the same would be tried again and again."""
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 1, 5, sampling="log")
    hp.Float("rate", 1e-3, 1.0, sampling="log")
    encoder = Encoder(dimensions(hp.space))
    draw = np.random.default_rng(0)
    drawn = encoder.drawn(draw.random((100, 2)))
    for points in (drawn, encoder.mutated(drawn, draw)):
        assert len(np.unique(points[:, 0])) == 5
        assert len(np.unique(points[:, 1])) > 20
        for row in points:
            again = encoder.numbers(encoder.values(row))
            assert again is not None and again[0] == row[0]
    assert encoder.every(100) is None
    whole = Encoder(dimensions(hp.space[:1])).every(100)
    assert whole is not None and len(whole) == 5
