"""Tables of what searches are worth, as a page shows them."""

import statistics
from collections.abc import Callable, Iterable

from benchmarks import scoring, task_sets
from benchmarks.scoring import Scores

# By task, and then by search.
Found = dict[str, dict[str, Scores]]


def of(by_workers: dict[int, Found]) -> str:
    """Tables of all scores, by the number of workers."""
    parts = []
    for workers, found in by_workers.items():
        several = "workers" if workers != 1 else "worker"
        for title, cell in _KINDS.items():
            parts.append(f"{title}, {workers} {several}\n\n{table(found, cell)}")
    return "\n\n".join(parts)


def table(found: Found, cell: Callable[[Scores], str]) -> str:
    """A table with a row for each search and a column for each task."""
    tasks = [name for name in task_sets.NAMES if name in found]
    names = sorted({name for of_task in found.values() for name in of_task})
    lines = [
        [name, *(cell(found[t][name]) if name in found[t] else "" for t in tasks)]
        for name in names
    ]
    return rows([["search", *tasks], *lines])


def rows(cells: list[list[str]]) -> str:
    """A table of cells; the first row is the header."""
    header, *others = cells
    return "\n".join(map(_row, [header, ["---"] * len(header), *others]))


def seconds(scores: Scores) -> str:
    """The time to the target, its interval, and how many seeds missed it."""
    missed = sum(score.missed for score in scores)
    of_them = f" ({missed} of {len(scores)} missed)" if missed else ""
    return _median(scores, "seconds") + (of_them or f" ({len(scores)})")


def loss(scores: Scores) -> str:
    """The loss at equal budget, and its interval."""
    return _median(scores, "loss")


def area(scores: Scores) -> str:
    """The area under the curve of the best loss, and its interval."""
    return _median(scores, "area")


def _median(scores: Scores, figure: str) -> str:
    values = [getattr(score, figure) for score in scores]
    low, high = scoring.interval_of(scoring.resampled(values))
    return f"{_short(statistics.median(values))} [{_short(low)}, {_short(high)}]"


def _short(number: float) -> str:
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


_KINDS: dict[str, Callable[[Scores], str]] = {
    "Seconds to the target (seeds)": seconds,
    "Loss at equal budget": loss,
    "Area under the curve": area,
}
