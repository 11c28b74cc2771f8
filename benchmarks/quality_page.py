"""What a page says of a measurement: made of its scores, so that it is what they are.

A part of a page stands between two comments, `<!-- measured: NAME -->` and
`<!-- end of NAME -->`.
"""

import re
import statistics
from collections.abc import Callable
from typing import Any

from benchmarks import goals, quality_tables, searchers, task_sets
from benchmarks.quality_tables import Found
from benchmarks.scoring import Scores

# The goals are for so many workers.
WORKERS = 2
_OPTUNA_SEARCH = "ours"


def filled(page: str, by_workers: dict[int, Found]) -> str:
    """A page with its measured parts made anew."""
    for name, made in _PARTS.items():
        begin, end = f"<!-- measured: {name} -->", f"<!-- end of {name} -->"
        part = f"{begin}\n{made(by_workers)}\n{end}"
        page = re.sub(
            f"{re.escape(begin)}.*?{re.escape(end)}",
            lambda _, part=part: part,  # type: ignore[misc]
            page,
            flags=re.DOTALL,
        )
    return page


def summary(by_workers: dict[int, Found]) -> str:
    """A table: "auto" beside the best of the others, on each task."""
    found = by_workers.get(WORKERS, {})
    header = [
        *("task", '"auto"', "best peer", "how many times as fast"),
        *("`OptunaSearch`, ASHA", "best stock tuner"),
    ]
    rows = []
    for task in _with_auto(found):
        of_task = found[task]
        ours, peer = of_task[searchers.AUTO], best(of_task, goals.is_peer)
        ratio = ""
        if peer:
            ratio = f"{_seconds(of_task[peer]) / _seconds(ours):.2f}"
        rows.append(
            [
                task + (" (held out)" if task in task_sets.HELD_OUT else ""),
                quality_tables.seconds(ours),
                _named(of_task, peer),
                ratio,
                quality_tables.seconds(of_task[_OPTUNA_SEARCH])
                if _OPTUNA_SEARCH in of_task
                else "",
                _named(of_task, best(of_task, goals.is_stock)),
            ]
        )
    return quality_tables.rows([header, *rows])


def peers(by_workers: dict[int, Found]) -> str:
    """A table: "auto" beside each of the others, over all tasks."""
    found = by_workers.get(WORKERS, {})
    tasks = [found[task] for task in _with_auto(found)]
    names = sorted({name for task in tasks for name in task} - {searchers.AUTO})
    cells = [
        ["search", '"auto" is so many times as fast', "on tasks", "missed", '"auto"']
    ]
    for name in names:
        both = goals.Beside.of(tasks, name)
        low, high = both.interval
        cells.append(
            [
                name,
                f"{both.speedup:.2f} [{low:.2f}, {high:.2f}]",
                f"faster on {both.faster} of {both.tasks}",
                f"{both.missed[1]:.0%}",
                f"{both.missed[0]:.0%}",
            ]
        )
    return quality_tables.rows(cells)


def losses(by_workers: dict[int, Found]) -> str:
    """A table: losses at equal budget and areas, of "auto" and the best of the others."""
    found = by_workers.get(WORKERS, {})
    rows = [
        ["task", 'loss, "auto"', "loss, best peer", 'area, "auto"', "area, best peer"]
    ]
    for task in _with_auto(found):
        cells = [task]
        for figure, cell in (
            ("loss", quality_tables.loss),
            ("area", quality_tables.area),
        ):
            peer = best(found[task], goals.is_peer, figure)
            cells.append(cell(found[task][searchers.AUTO]))
            cells.append(f"{cell(found[task][peer])}, {peer}" if peer else "")
        rows.append(cells)
    return quality_tables.rows(rows)


def scaling(by_workers: dict[int, Found]) -> str:
    """A table: how "auto" does with more workers."""
    workers = sorted(by_workers)
    rows = [["task", *(f'"auto", {many}' for many in workers)]]
    for task in task_sets.NAMES:
        cells = [
            quality_tables.seconds(by_workers[many][task][searchers.AUTO])
            if searchers.AUTO in by_workers[many].get(task, {})
            else ""
            for many in workers
        ]
        if any(cells):
            rows.append([task, *cells])
    ratios = ["times as fast as the best peer, median"]
    for many in workers:
        each = [
            _seconds(found[peer]) / _seconds(found[searchers.AUTO])
            for found in by_workers[many].values()
            if searchers.AUTO in found and (peer := best(found, goals.is_peer))
        ]
        ratios.append(
            f"{statistics.median(each):.2f} ({len(each)} tasks)" if each else ""
        )
    return quality_tables.rows([*rows, ratios])


def reached(by_workers: dict[int, Found]) -> str:
    """A list of the goals: met or missed, and the figure."""
    found = by_workers.get(WORKERS, {})
    both = [
        found[task]
        for task in _with_auto(found)
        if best(found[task], goals.is_peer) and best(found[task], goals.is_stock)
    ]
    held_out = [found[task] for task in _with_auto(found) if task in task_sets.HELD_OUT]
    lines = []
    for name, tasks in (("all tasks", both), ("held-out tasks", held_out)):
        figures: dict[str, Any] = goals.of(tasks) if tasks else {}
        for figure, (words, is_met) in goals.WORDS.items():
            if figure not in figures:
                continue
            low, high = figures[f"{figure}_95"]
            lines.append(
                f"- {'Met' if is_met(figures[figure]) else 'Missed'} on {name} "
                f"({len(tasks)}): {words}. It is {figures[figure]:.3g} "
                f"[{low:.3g}, {high:.3g}]."
            )
    return "\n".join(lines)


def best(
    found: dict[str, Scores], kind: Callable[[str], bool], figure: str = "seconds"
) -> str | None:
    """The best search of a kind on a task, by the median of a figure."""
    names = [name for name in found if kind(name)]
    return min(names, key=lambda name: _median(found[name], figure), default=None)


def _with_auto(found: Found) -> list[str]:
    return [n for n in task_sets.NAMES if searchers.AUTO in found.get(n, {})]


def _named(of_task: dict[str, Scores], name: str | None) -> str:
    return f"{quality_tables.seconds(of_task[name])}, {name}" if name else ""


def _seconds(scores: Scores) -> float:
    return _median(scores, "seconds")


def _median(scores: Scores, figure: str) -> float:
    return statistics.median(getattr(score, figure) for score in scores)


_PARTS: dict[str, Callable[[dict[int, Found]], str]] = {
    "goals": reached,
    "peers": peers,
    "summary": summary,
    "losses": losses,
    "workers": scaling,
}
