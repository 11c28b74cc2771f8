"""One number for several objectives, so that a planner can compare points by it.

The augmented Chebyshev scalarisation with weights drawn at random, as in ParEGO (Knowles
2006, https://doi.org/10.1109/TEVC.2005.851274): each draw looks for another part of the
front, and every part of it is the best by some weights.
"""

from collections.abc import Sequence

import numpy as np

from tuner_component.search.goals import front
from tuner_component.search.goals.front import Point

# What the sum adds to the maximum, so that no point is the best that another dominates.
_SUM = 0.05
# How much worse than all others a point counts that violates a constraint, and at most.
_VIOLATED, _FAR = 1.0, 9.0
# Keeps numbers positive: a planner then compares ratios, and outliers count for less.
_ABOVE_ZERO = 1.0


class Scalarisation:
    """Weights of one turn of a search.

    Everything follows from the arguments, so that a resumed search compares by the same.

    Args:
        known: Points of the search so far; each objective is scaled by them: from its
            best value to the worst on the front, or to the median, if that is worse.
        objectives: How many there are.
        seed: The search's seed.
        turn: Counts the weights that were drawn in the search.
    """

    def __init__(
        self, known: Sequence[Point], objectives: int, seed: int, turn: int
    ) -> None:
        draw = np.random.default_rng([seed, turn])
        self._weights = draw.dirichlet(np.ones(objectives))
        meeting = [point for point in known if not point.violation] or list(known)
        self._low, self._extent = np.zeros(objectives), np.ones(objectives)
        if not meeting:
            return
        # Halved, so that no difference is infinite.
        values = np.array([point.values for point in meeting]) / 2
        on_front = values[front.first_front(meeting)].max(axis=0)
        self._low = values.min(axis=0)
        extent = np.maximum(on_front, np.median(values, axis=0)) - self._low
        self._extent = np.where(extent > 0.0, extent, 0.5)

    def value(self, point: Point | None) -> float:
        """The number for a point; smaller is better, and NaN stands for no point."""
        if point is None:
            return float("nan")
        scaled = (np.array(point.values) / 2 - self._low) / self._extent
        weighted = self._weights * scaled
        number = float(weighted.max() + _SUM * weighted.sum()) + _ABOVE_ZERO
        if point.violation:
            number += _VIOLATED + min(point.violation, _FAR)
        return number
