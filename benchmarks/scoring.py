"""What a replayed search is worth, and how sure that is.

A search that does not reach the target counts as if it had reached it at the limit,
however it ended: one that gives up early is no better than one that goes on in vain.
"""

import dataclasses
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.replay import Outcome, Task

# The best points reach the target; they are this share of all points.
SHARE = 0.01
# In mean trainings to the end, of all workers together: the time that a search has to
# reach the target, and that after which losses are compared.
LIMIT, BUDGET = 200, 40
_RESAMPLES = 1000


@dataclasses.dataclass(frozen=True)
class Measure:
    """How searches on one table are scored; the same for all of them.

    Attributes:
        target: The loss to reach.
        limit_s: The time after which a search has missed the target.
        budget_s: The time after which losses are compared.
        optimum: The best loss of all points.
        typical: The loss of the point in the middle: what one random draw finds.
    """

    target: float
    limit_s: float
    budget_s: float
    optimum: float
    typical: float

    @classmethod
    def of(cls, table: Task, workers: int) -> "Measure":
        """The measure for a table.

        Args:
            table: The curves.
            workers: Among how many workers of a search the trainings are divided.
        """
        each = table.training_s / workers
        final = table.final
        return cls(
            table.target(SHARE),
            LIMIT * each,
            BUDGET * each,
            float(final.min()),
            float(np.median(final)),
        )

    def enough(self, best: float, now: float) -> bool:
        """Whether a search that goes on would not change its score."""
        return best <= self.target and now >= self.budget_s

    def score(self, outcome: Outcome) -> "Score":
        """Scores a search."""
        hits = (now for now, best in outcome.ends if best <= self.target)
        seconds = next(hits, math.inf)
        missed = seconds > self.limit_s
        return Score(
            missed=missed,
            gave_up=missed and outcome.ended_itself,
            seconds=min(seconds, self.limit_s),
            loss=self._loss_at(self.budget_s, outcome),
            area=self._area(outcome),
            suggestion_s=float(np.median(outcome.suggestions_s)),
            suggestions_s=sum(outcome.suggestions_s),
        )

    def _loss_at(self, second: float, outcome: Outcome) -> float:
        found = [best for now, best in outcome.ends if now <= second]
        return found[-1] if found else self.typical

    def _area(self, outcome: Outcome) -> float:
        """The mean, over the budget's time, of how far the best loss is from the optimum.

        1 is what one random draw finds, or more; 0 is the optimum.
        """
        area, since, regret = 0.0, 0.0, 1.0
        for now, best in (*outcome.ends, (math.inf, 0.0)):
            until = min(now, self.budget_s)
            area += regret * (until - since)
            since = until
            distance = (best - self.optimum) / (self.typical - self.optimum)
            regret = min(max(distance, 0.0), 1.0)
        return area / self.budget_s


@dataclasses.dataclass(frozen=True)
class Score:
    """What one search is worth.

    Attributes:
        missed: Whether it did not reach the target within the limit.
        gave_up: Whether it missed the target and ended by itself.
        seconds: When a trial had ended with the target or better; the limit if none did.
        loss: The best loss at the end of the budget.
        area: The area under the curve of the best loss: see `Measure`. Less is better.
        suggestion_s: The median of what a suggestion took, in processor time.
        suggestions_s: The processor time of all its suggestions.
    """

    missed: bool
    gave_up: bool
    seconds: float
    loss: float
    area: float
    suggestion_s: float
    suggestions_s: float


Scores = list[Score]


def figures_of(scores: Scores) -> dict[str, Any]:
    """The figures of one searcher on one task: medians, with their intervals.

    The first is the share of seeds that missed the target.
    """
    figures: dict[str, Any] = {
        "missed": statistics.mean(score.missed for score in scores),
        "gave_up": statistics.mean(score.gave_up for score in scores),
    }
    for name in ("seconds", "loss", "area"):
        values = [getattr(score, name) for score in scores]
        figures[name] = statistics.median(values)
        figures[f"{name}_95"] = interval_of(resampled(values))
    for name in ("suggestion_s", "suggestions_s"):
        figures[name] = statistics.median(getattr(score, name) for score in scores)
    return figures | {"seeds": len(scores)}


def resampled(values: Sequence[float], number: int = 0) -> np.ndarray:
    """The medians of many resamples of values.

    Args:
        values: Those of several seeds.
        number: Resamples of different samples are independent if their numbers differ.
    """
    draw = np.random.default_rng([len(values), number])
    chosen = draw.integers(len(values), size=(_RESAMPLES, len(values)))
    found: np.ndarray = np.median(np.asarray(values, float)[chosen], axis=1)
    return found


def interval_of(figures: np.ndarray) -> list[float]:
    """The interval of 95 % that a figure has, from its values in many resamples."""
    return [float(bound) for bound in np.quantile(figures, (0.025, 0.975))]


def interval(
    samples: Sequence[Sequence[float]],
    statistic: Callable[[list[np.ndarray]], float],
) -> list[float]:
    """A bootstrap interval of 95 %.

    Args:
        samples: Independent samples, each of the values of several seeds.
        statistic: A figure, from samples of the same sizes.

    Returns:
        The figure's 2.5 % and 97.5 % quantiles over resamples of each sample.
    """
    draw = np.random.default_rng(0)
    values = [np.asarray(sample, float) for sample in samples]
    figures = [
        statistic(
            [sample[draw.integers(len(sample), size=len(sample))] for sample in values]
        )
        for _ in range(_RESAMPLES)
    ]
    return interval_of(np.array(figures))
