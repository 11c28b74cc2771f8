"""Whether the search "auto" reaches its goals, and how sure that is."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import scoring, searchers
from benchmarks.scoring import Scores


def is_stock(name: str) -> bool:
    """Whether it is a search of the stock Tuner, with one worker."""
    return name.startswith(searchers.STOCK)


def is_peer(name: str) -> bool:
    """Whether it is a search of another library's, with as many workers as ours.

    Vizier is not counted: it has few seeds, on few tasks.
    """
    return not name.startswith((searchers.AUTO, "ours", searchers.STOCK, "vizier"))


def of(tasks: list[dict[str, Scores]]) -> dict[str, Any]:
    """The figures of the goals, each followed by its interval.

    Args:
        tasks: For each task the scores of each searcher, with equal workers but for the
            stock tuners.
    """

    def is_before(name: str) -> bool:
        return name == "ours"

    def ratios_of(figure: str, others: Callable[[str], bool]) -> list[_Ratio]:
        return [
            _Ratio(figure, task, others, number) for number, task in enumerate(tasks)
        ]

    peers, stock = ratios_of("seconds", is_peer), ratios_of("seconds", is_stock)
    kinds: dict[str, tuple[list[_Ratio], Callable[[np.ndarray], np.ndarray]]] = {
        "speedup_median": (peers, _median),
        "speedup_least": (peers, _least),
        "speedup_over_stock_median": (stock, _median),
        "speedup_over_optuna_search_median": (
            ratios_of("seconds", is_before),
            _median,
        ),
        "loss_ratio_worst": (ratios_of("loss", is_peer), lambda r: 1 / _least(r)),
    }
    figures: dict[str, Any] = {}
    for name, (ratios, together) in kinds.items():
        if not ratios or not all(ratio.there for ratio in ratios):
            continue  # None of the others takes part.
        figures[name], figures[f"{name}_95"] = _over_tasks(ratios, together)
    for name in ("speedup", "speedup_over_stock", "speedup_over_optuna_search"):
        if f"{name}_median" in figures:
            each = kinds[f"{name}_median"][0]
            figures[f"{name}s"] = [ratio.figure for ratio in each]
    return figures


@dataclasses.dataclass(frozen=True)
class Beside:
    """ "auto" beside one other search, on all tasks that both were run on.

    Attributes:
        tasks: How many tasks.
        faster: On how many of them its median time to the target is less.
        speedup: How many times as fast it is, in the geometric mean over tasks.
        interval: The interval of that.
        missed: The shares of its replays, and of the other's, that missed the target.
    """

    tasks: int
    faster: int
    speedup: float
    interval: list[float]
    missed: tuple[float, float]

    @classmethod
    def of(cls, tasks: list[dict[str, Scores]], name: str) -> "Beside":
        """Compares it with a search that was run on some of the tasks at least."""
        both = [task for task in tasks if name in task and searchers.AUTO in task]
        ratios = [
            _Ratio("seconds", task, lambda other: other == name, number)
            for number, task in enumerate(both)
        ]
        speedup, interval = _over_tasks(ratios, _geometric_mean)
        shares = []
        for one in (searchers.AUTO, name):
            missed = [score.missed for task in both for score in task[one]]
            shares.append(sum(missed) / len(missed))
        faster = sum(ratio.figure > 1.0 for ratio in ratios)
        return cls(len(both), faster, speedup, interval, (shares[0], shares[1]))


def _median(each: np.ndarray) -> np.ndarray:
    return np.asarray(np.median(each, axis=0))


def _least(each: np.ndarray) -> np.ndarray:
    return np.asarray(np.min(each, axis=0))


def _geometric_mean(each: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(np.mean(np.log(each), axis=0)))


# What is to be reached, in words, and whether a figure reaches it.
WORDS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "speedup_median": (
        "at least 1.5 times as fast as the best peer, in the median over tasks",
        lambda figure: figure >= 1.5,
    ),
    "speedup_least": (
        "at least 0.9 times as fast as the best peer, on each task",
        lambda figure: figure >= 0.9,
    ),
    "speedup_over_stock_median": (
        "at least 5 times as fast as the best stock tuner, in the median",
        lambda figure: figure >= 5.0,
    ),
    "loss_ratio_worst": (
        "a loss at equal budget of at most that of the best peer, on each task",
        lambda figure: figure <= 1.0,
    ),
}


def are_met(figures: dict[str, Any]) -> bool:
    """Whether all goals are, of which there are figures."""
    return all(
        is_met(figures[name]) for name, (_, is_met) in WORDS.items() if name in figures
    )


class _Ratio:
    """How many times what ours has the best of others has, on one task.

    Attributes:
        there: Whether there are others.
        figure: The ratio of medians.
        resampled: The same of many resamples of all.
    """

    def __init__(
        self,
        figure: str,
        task: dict[str, Scores],
        others: Callable[[str], bool],
        number: int,
    ) -> None:
        names = [searchers.AUTO, *filter(others, task)]
        self.there = len(names) > 1
        if not self.there:
            return
        values = [[getattr(score, figure) for score in task[name]] for name in names]
        ours, *best = (float(np.median(sample)) for sample in values)
        self.figure = min(best) / ours
        ours_again, *again = (
            scoring.resampled(sample, 1000 * number + place)
            for place, sample in enumerate(values)
        )
        self.resampled = np.min(again, axis=0) / ours_again


def _over_tasks(
    ratios: list[_Ratio], together: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, list[float]]:
    """A figure of the ratios on all tasks, and its interval."""
    figure = float(together(np.array([ratio.figure for ratio in ratios])))
    again = together(np.array([ratio.resampled for ratio in ratios]))
    return figure, scoring.interval_of(again)
