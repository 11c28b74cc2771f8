"""How long an epoch takes at each configuration, learned from those that were trained.

The logarithm is a sum over the coordinates of a vector: an epoch takes twice as long with
twice the layers, and half as long with twice the batch. A line for each coordinate, drawn
towards none at all, needs few trials.
"""

import numpy as np

from tuner_component.planner.arrays import Array

# How much stronger than a trial's own figure it is that a coordinate changes nothing.
_RIDGE = 0.3


class Costs:
    """The seconds of an epoch by configuration."""

    def __init__(self, vectors: Array, seconds: Array) -> None:
        """Learns from trials.

        Args:
            vectors: Their configurations.
            seconds: The seconds of an epoch of each; NaN where they are not known.
        """
        known = np.isfinite(seconds) & (seconds > 0.0)
        self._line = np.zeros(vectors.shape[1])
        self._middle, self._center = 0.0, self._line
        if not known.any():
            return
        logs = np.log(seconds[known])
        self._middle = float(logs.mean())
        self._center = vectors[known].mean(axis=0)
        steps = vectors[known] - self._center
        ridge = steps.T @ steps + _RIDGE * np.eye(steps.shape[1])
        self._line = np.linalg.solve(ridge, steps.T @ (logs - self._middle))
        spread = np.ptp(logs)
        self._low, self._high = logs.min() - spread, logs.max() + spread

    def predict(self, vectors: Array) -> Array:
        """The seconds of an epoch of configurations; 1 if nothing is known."""
        if not self._line.any():
            return np.full(len(vectors), float(np.exp(self._middle)))
        logs = self._middle + (vectors - self._center) @ self._line
        found: Array = np.exp(np.clip(logs, self._low, self._high))
        return found
