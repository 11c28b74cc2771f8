"""Whether the search "auto" reaches its goals, and how sure that is."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import scoring, searchers
from benchmarks.scoring import Scores


def is_stock(name: str) -> bool:
    """Whether it is a search of the stock Tuner, with one worker."""
    return name.startswith(searchers.STOCK)


def is_peer(name: str) -> bool:
    """Whether it is a search of another library's, with as many workers as ours."""
    return not name.startswith((searchers.AUTO, "ours", searchers.STOCK))


def of(tasks: list[dict[str, Scores]]) -> dict[str, Any]:
    """The figures of the goals, each followed by its interval.

    Args:
        tasks: For each task the scores of each searcher, with equal workers but for the
            stock tuners.
    """

    def is_before(name: str) -> bool:
        return name == "ours"

    def ratios_of(figure: str, others: Callable[[str], bool]) -> list[_Ratio]:
        return [_Ratio(figure, task, others) for task in tasks]

    kinds: dict[str, tuple[list[_Ratio], Callable[[Any], float]]] = {
        "speedup_median": (ratios_of("seconds", is_peer), np.median),
        "speedup_least": (ratios_of("seconds", is_peer), min),
        "speedup_over_stock_median": (ratios_of("seconds", is_stock), np.median),
        "speedup_over_optuna_search_median": (
            ratios_of("seconds", is_before),
            np.median,
        ),
        "loss_ratio_worst": (ratios_of("loss", is_peer), lambda r: 1 / min(r)),
    }
    figures: dict[str, Any] = {}
    for name, (ratios, together) in kinds.items():
        if not all(len(ratio.samples) > 1 for ratio in ratios):
            continue  # None of the others takes part.
        figures[name], figures[f"{name}_95"] = _over_tasks(ratios, together)
    for name in ("speedup", "speedup_over_stock", "speedup_over_optuna_search"):
        if f"{name}_median" in figures:
            each = kinds[f"{name}_median"][0]
            figures[f"{name}s"] = [ratio.of(ratio.samples) for ratio in each]
    return figures


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
        samples: The values of ours, then those of each of the others.
    """

    def __init__(
        self, figure: str, task: dict[str, Scores], others: Callable[[str], bool]
    ) -> None:
        names = [searchers.AUTO, *filter(others, task)]
        self.samples = [
            np.array([getattr(score, figure) for score in task[name]]) for name in names
        ]

    def of(self, samples: list[np.ndarray]) -> float:
        """The ratio of medians, from samples like its own."""
        ours, *others = (float(np.median(sample)) for sample in samples)
        return min(others) / ours


def _over_tasks(
    ratios: list[_Ratio], together: Callable[[Any], float]
) -> tuple[float, list[float]]:
    """A figure of the ratios on all tasks, and its interval."""
    ends = list(itertools.accumulate(len(ratio.samples) for ratio in ratios))
    parts = list(zip([0, *ends], ends, ratios, strict=False))

    def figure(samples: list[np.ndarray]) -> float:
        each = [ratio.of(samples[begin:end]) for begin, end, ratio in parts]
        return float(together(each))

    every = [sample for ratio in ratios for sample in ratio.samples]
    return figure(every), scoring.interval(every, figure)
