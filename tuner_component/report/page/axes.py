"""Axes that fit what they show: whole numbers, orders of magnitude, and what lies outside."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any

from tuner_component.report import importance

# Values spread over decades if the largest is so many times the smallest. Scores do so
# sooner: among the many that are bad, nobody could tell the good ones apart.
_DECADES, _SCORES = 50, 10
# A larger power of ten is no number.
_LARGEST = 307


def spreads(values: Iterable[Any], times: float = _DECADES) -> bool:
    """Whether values are positive numbers that spread over orders of magnitude.

    Args:
        values: The values.
        times: How many times the smallest the largest then is.
    """
    known = list(values)
    if not known or not all(map(importance.is_number, known)):
        return False
    return bool(min(known) > 0 and max(known) / min(known) >= times)


def are_whole(values: Iterable[Any]) -> bool:
    """Whether all values are whole numbers."""
    known = list(values)
    return bool(known) and all(type(value) is int for value in known)


def whole_ticks(low: float, high: float, most: int = 8) -> dict[str, Any]:
    """Settings of an axis from `low` to `high` with ticks at whole numbers only."""
    step = 1
    while (high - low) / step > most:
        # 1, 2, 5, 10, 20, 50, ...
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return {"tick0": 0, "dtick": step, "tickformat": ",d"}


def log_settings(low: float, high: float, most: int = 12) -> dict[str, Any]:
    """Settings of an axis of orders of magnitude, with plain numbers at its ticks.

    Plotly's own ticks mix powers of ten with single digits.

    Args:
        low: The smallest value.
        high: The largest one.
        most: For how many ticks there is room, about.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = last - first
    digits = (1, 2, 5) if 3 * decades <= most else (1,)
    powers = range(first, min(last, _LARGEST) + 1, max(1, decades // 6))
    ticks = [digit * 10.0**power for power in powers for digit in digits]
    shown = [tick for tick in ticks if low <= tick * (1 + 1e-9) and tick <= high]
    return {
        "type": "log",
        "tickvals": shown,
        "ticktext": [f"{tick:.6g}" for tick in shown],
    }


@dataclasses.dataclass(frozen=True)
class ScoreAxis:
    """An axis of scores that a few diverged trials do not flatten.

    Attributes:
        low: Where it begins.
        high: Where it ends.
        logarithmic: Whether it shows orders of magnitude.
    """

    low: float
    high: float
    logarithmic: bool = False

    @classmethod
    def of(cls, scores: Sequence[float], direction: str) -> ScoreAxis:
        """The axis for these scores, of which at least one is there.

        Args:
            scores: What is to be shown: the better ones all are.
            direction: "min" or "max".
        """
        low, high = typical(scores, direction)
        inside = [score for score in scores if low <= score <= high]
        # Of scores to be maximized, it is the large ones that are to be told apart.
        wide = spreads(scores, _SCORES) and spreads(inside, _SCORES)
        if direction == "max" or not wide:
            return cls(low, high)
        low, high = typical([math.log10(score) for score in scores], direction)
        return cls(10.0 ** max(low, -_LARGEST), 10.0 ** min(high, _LARGEST), True)

    @property
    def settings(self) -> dict[str, Any]:
        """What Plotly is told of it."""
        if not self.low < self.high:
            return {}
        if self.logarithmic:
            ends = [math.log10(self.low), math.log10(self.high)]
            return {**log_settings(self.low, self.high), "range": ends}
        return {"range": [self.low, self.high]}

    def holds(self, score: float) -> bool:
        """Whether a score lies within."""
        return self.low <= score <= self.high or not self.low < self.high

    def clipped(self, score: float) -> float:
        """The score, or the end of the axis beyond which it lies."""
        return score if self.holds(score) else min(max(score, self.low), self.high)


def typical(scores: Sequence[float], direction: str) -> tuple[float, float]:
    """The range of an axis that a few diverged trials do not flatten.

    Args:
        scores: What is to be shown: the better ones all are.
        direction: "min" or "max".
    """
    order = sorted(scores)
    low, high = order[0], order[-1]
    quarter = len(order) // 4
    spread = 5 * (order[-1 - quarter] - order[quarter])
    if spread > 0 and direction == "max":
        low = max(low, order[quarter] - spread)
    elif spread > 0:
        high = min(high, order[-1 - quarter] + spread)
    margin = 0.05 * (high - low)
    return low - margin, high + margin
