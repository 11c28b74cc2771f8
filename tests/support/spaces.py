"""Search spaces for tests."""

from __future__ import annotations

import keras_tuner

from tuner_component.search.space.dimensions import Dimension, dimensions


def conditional_space() -> list[Dimension]:
    """A dimension of each kind: steps, continuous, a choice, and what depends on it."""
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 0, 9)
    hp.Float("rate", 1e-4, 1.0, sampling="log")
    hp.Choice("kind", ["flat", "deep", "wide"])
    with hp.conditional_scope("kind", ["deep"]):
        hp.Int("layers", 1, 3)
    return dimensions(hp.space)


def unit_space(count: int, steps: int) -> list[Dimension]:
    """Dimensions `x0`, `x1` and so on, of whole numbers from 0."""
    hp = keras_tuner.HyperParameters()
    for number in range(count):
        hp.Int(f"x{number}", 0, steps - 1)
    return dimensions(hp.space)
