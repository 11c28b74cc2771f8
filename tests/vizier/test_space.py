"""A search space in a service's words, and its values back."""

from __future__ import annotations

import random
from typing import Any

import keras_tuner
import pytest

from tests.conformance.test_oracles import rich_space
from tuner_component.search.space.dimensions import dimensions, points
from tuner_component.vizier.service import Parameter, Scale
from tuner_component.vizier.space import SpaceTranslation


def translated(hp: keras_tuner.HyperParameters, nested: bool = True) -> Any:
    return SpaceTranslation(dimensions(hp.space), nested)


def only(hp: keras_tuner.HyperParameters) -> Parameter:
    (parameter,) = translated(hp).parameters
    return parameter


@pytest.mark.parametrize("nested", [False, True])
def test_every_point_comes_back(nested: bool) -> None:
    """A trial would be run with other values than the service thinks."""
    space = dimensions(rich_space().space)
    translation = SpaceTranslation(space, nested)
    draw = random.Random(0)
    for _ in range(50):
        (point,) = (p for p, _ in zip(points(space, draw), range(1), strict=False))
        told = translation.told(point)
        again = translation.known(told)
        assert again is not None
        assert {k: type(v) for k, v in again.items()} == {
            k: type(v) for k, v in point.items()
        }
        assert again == pytest.approx(point) or again == point


def test_what_the_service_sees() -> None:
    """People would not find their hyperparameters in the service's console."""
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
    hp.Float("momentum", 0.5, 0.99, sampling="reverse_log")
    hp.Int("units", 8, 64, step=8)
    hp.Int("batch", 8, 64, step=2, sampling="log")
    hp.Int("width", 1, 1000)
    hp.Choice("size", [16, 32])
    hp.Choice("act", ["relu", "tanh"])
    hp.Choice("mixed", [16, 32], ordered=False)
    hp.Boolean("norm")
    hp.Fixed("epochs", 7)
    assert translated(hp).parameters == (
        Parameter("rate", (), 1e-4, 1e-1, Scale.LOG),
        Parameter("momentum", (), 0.5, 0.99, Scale.REVERSE_LOG),
        Parameter("units", tuple(float(n) for n in range(8, 65, 8))),
        Parameter("batch", (8.0, 16.0, 32.0, 64.0), scale=Scale.LOG),
        Parameter("width", (), 1, 1000),
        Parameter("size", (16.0, 32.0)),
        Parameter("act", ("relu", "tanh")),
        Parameter("mixed", ("16", "32")),
        Parameter("norm", ("False", "True")),
        Parameter("epochs", (7.0,)),
    )


def test_conditions_are_nested_where_that_is_known() -> None:
    """The service would learn from values that had no effect."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["flat", "deep"])
    with hp.conditional_scope("kind", ["deep"]):
        hp.Int("layers", 1, 3)
        with hp.conditional_scope("layers", [2, 3]):
            hp.Boolean("skip")
    kind = only(hp)
    ((when, layers),) = kind.children
    assert (kind.id, when, layers.id) == ("kind", ("deep",), "layers")
    ((when, skip),) = layers.children
    assert (when, skip.id) == ((2, 3), "skip")
    flat = translated(hp, nested=False).parameters
    assert [p.id for p in flat] == ["kind", "layers", "skip"]
    known = translated(hp, nested=False).known
    told = {"kind": "flat", "layers": 2.0, "skip": "True"}
    assert known(told) == {"kind": "flat"}
    assert known({**told, "kind": "deep"}) == {
        "kind": "deep",
        "layers": 2,
        "skip": True,
    }


def test_one_name_under_two_conditions() -> None:
    """Two parameters would have one id, which a service refuses."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        hp.Int("units", 1, 3)
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("units", 10, 30)
    ids = [child.id for _, child in only(hp).children]
    assert ids == ["units", "units (2)"]
    known = translated(hp).known
    assert known({"kind": "b", "units (2)": 11.0}) == {"kind": "b", "units": 11}


def test_many_steps_are_numbered() -> None:
    """A service that lists a thousand values at most would refuse the study."""
    hp = keras_tuner.HyperParameters()
    hp.Int("n", 0, 10_000, step=5)
    assert only(hp) == Parameter("n", (), 0, 2000)
    assert translated(hp).known({"n": 3.0}) == {"n": 15}
    assert translated(hp).told({"n": 15}) == {"n": 3}


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["", "x"], ("''", "x")),
        (["16", "''", ""], ("0: 16", "1: ''", "2: ''")),
        ([1e-12, 2e-12], ("1e-12", "2e-12")),
        ([3, 1, 2], ("3", "1", "2")),
    ],
)
def test_choices_that_a_service_would_confuse(values: Any, labels: Any) -> None:
    """The service would refuse them, or mean another one."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("c", values)
    assert only(hp).values == labels
    for label, value in zip(labels, values, strict=True):
        assert translated(hp).known({"c": label}) == {"c": value}


@pytest.mark.parametrize("told", [None, "a", True, 5.5, 65.0, float("nan")])
def test_values_from_elsewhere_are_none(told: Any) -> None:
    """Another program's trial in a shared study would be trained as something else."""
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 8, 64, step=8)
    assert translated(hp).known({"units": told}) is None
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 8, 64)
    assert translated(hp).known({"units": told}) is None
