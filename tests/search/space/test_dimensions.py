"""Hyperparameters become numbers and come back as they were."""

import random
from typing import Any

import keras_tuner
import pytest

from tuner_component.search.space import dimensions


def dimension(kind: str, *args: Any, **kwargs: Any) -> dimensions.Dimension:
    hp = keras_tuner.HyperParameters()
    getattr(hp, kind)("x", *args, **kwargs)
    return dimensions.dimensions(hp.space)[0]


@pytest.mark.parametrize(
    ("described", "size", "steps", "some"),
    [
        (dimension("Boolean"), 2, 2, [False, True]),
        (dimension("Fixed", "a"), 1, 1, ["a"]),
        (dimension("Choice", ["a", "b", "c"]), 3, 3, ["a", "c"]),
        (dimension("Int", 3, 9), 7, 7, [3, 4, 9]),
        (dimension("Int", 8, 64, step=8), 8, 8, [8, 40, 64]),
        (dimension("Int", 8, 64, step=2, sampling="log"), 4, 4, [8, 16, 64]),
        (dimension("Int", 1, 9, sampling="log"), 9, None, [1, 2, 9]),
        (dimension("Int", 1, 9, sampling="reverse_log"), 9, None, [1, 8, 9]),
        (dimension("Float", 0.0, 0.5, step=0.125), 5, 5, [0.0, 0.125, 0.5]),
        (dimension("Float", 1e-4, 1.0, step=10, sampling="log"), 5, 5, [1e-4, 1e-2]),
        (dimension("Float", 2.0, 2.0), 1, None, [2.0]),
        (dimension("Float", 0.5, 2.0), None, None, [0.5, 1.7, 2.0]),
        (dimension("Float", 1e-4, 1.0, sampling="log"), None, None, [1e-4, 0.03, 1.0]),
        (dimension("Float", 0.1, 0.9, sampling="reverse_log"), None, None, [0.1, 0.7]),
    ],
)
def test_values_survive(
    described: dimensions.Dimension,
    size: int | None,
    steps: int | None,
    some: list[Any],
) -> None:
    """A sampler would learn from another point than the one that was tried."""
    assert (described.size, described.steps) == (size, steps)
    for value in some:
        number = described.number(value)
        assert number is not None
        back = described.value(number)
        assert type(back) is type(value)
        assert (
            back == pytest.approx(value) if isinstance(value, float) else back == value
        )


@pytest.mark.parametrize(
    ("described", "value"),
    [
        (dimension("Boolean"), 1),
        (dimension("Choice", [0, 1]), True),
        (dimension("Choice", ["a"]), "b"),
        (dimension("Int", 3, 9), 10),
        (dimension("Int", 3, 9), "3"),
        (dimension("Int", 3, 9), 3.5),
        (dimension("Int", 3, 900, sampling="log"), 32.5),
        (dimension("Int", 3, 900, sampling="log"), float("nan")),
        (dimension("Int", 8, 64, step=8), 12),
        (dimension("Float", 0.0, 1.0), 1.5),
        (dimension("Float", 0.0, 1.0), True),
    ],
)
def test_what_is_no_value_has_no_number(
    described: dimensions.Dimension, value: Any
) -> None:
    """A result of another space would be taken for one of this."""
    assert described.number(value) is None


def test_the_last_step_has_a_number_though_floats_are_off() -> None:
    """A point that KerasTuner suggested would be called foreign."""
    rate = dimension("Float", 1e-4, 1e-1, step=10**0.5, sampling="log")
    last = rate.value(6)
    assert last > 1e-1
    assert rate.number(last) == 6


@pytest.mark.parametrize("sampling", ["linear", "log", "reverse_log"])
@pytest.mark.parametrize("high", [3e-2, 0.7, 1.0])
def test_the_ends_of_a_range_are_inside(sampling: str, high: float) -> None:
    """The best value would be out of the range that the Trainer is told."""
    rate = dimension("Float", 1e-4, high, sampling=sampling)
    ends = [rate.value(0.0), rate.value(1.0)]
    assert ends == [pytest.approx(1e-4), pytest.approx(high)]
    assert all(1e-4 <= end <= high for end in ends)


def test_a_scale_is_straightened() -> None:
    """A sampler would look for learning rates among the largest only."""
    rate = dimension("Float", 1e-4, 1.0, sampling="log")
    assert rate.value(0.5) == pytest.approx(1e-2)


def test_a_continuous_space_has_no_last_point() -> None:
    """A search would be called exhausted, or hang."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["a"])
    hp.Float("x", 0.0, 1.0)
    space = dimensions.dimensions(hp.space)
    found = dimensions.points(space, random.Random(0))
    assert len({next(found)["x"] for _ in range(50)}) == 50
