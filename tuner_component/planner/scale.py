"""Values of an objective as a model sees them, and back."""

import math
from typing import Any

import numpy as np

from tuner_component.planner.arrays import Array


class Scale:
    """Values as the model of curves sees them.

    The unit is the distance from the value in the middle to the best ones. How much worse
    than the middle a value is hardly matters, so diverged trials distort nothing; one that
    is no number is the worst. Where all values are positive, ratios count.
    """

    def __init__(self, values: Array) -> None:
        """Finds the scale of values; smaller ones are better."""
        finite = values[np.isfinite(values)]
        self._of_ratios = bool(finite.size and finite.min() > 0.0)
        numbers = self._numbers(finite) if finite.size else np.zeros(1)
        self._middle = float(np.median(numbers))
        unit = self._middle - float(np.quantile(numbers, 0.05))
        if unit <= 0.0:
            unit = float(numbers.max() - numbers.min()) or 1.0
        self._unit = unit

    def _numbers(self, values: Array) -> Array:
        if not self._of_ratios:
            return values
        logarithms: Array = np.log(np.maximum(values, 1e-300))
        return logarithms

    def scaled(self, values: Any) -> Array:
        """The values on this scale."""
        given: Array = np.asarray(values, float)
        numbers = self._numbers(np.where(np.isfinite(given), given, 1.0))
        scaled = (numbers - self._middle) / self._unit
        worse = 1.5 * np.tanh(np.maximum(scaled, 0.0) / 1.5)
        found: Array = np.where(scaled > 0.0, worse, scaled)
        found[np.isnan(given) | np.isposinf(given)] = 1.5
        return found

    def difference(self, value: float, units: float) -> float:
        """How far a value is from the one that is so many units better on this scale."""
        step = units * self._unit
        return -value * math.expm1(-step) if self._of_ratios else step
