"""How soon a search gets to a good model, compared with other searches.

    python -m benchmarks.search_quality [--quick] [--check] [--live] [--workers 2 8]

Replays learning curves with several seeds: recorded ones of real tasks with six
hyperparameters (see `record_curves`), and computed ones (see `synthetic_curves`). Half of
the tasks were held out while the search "auto" was made (see `task_sets`). All searches have the same number of workers; the stock Tuner, which runs
one trial after the other, is there as well with its one. The target is the loss that the
best 1 % of the points reach. The workers together have the time of 200 whole trainings
to reach it; a search that does not counts with all of that time, even if it ended by
itself before, and how many seeds missed it is the first figure of all. Losses are
compared after the time of 40 whole trainings, and so is the area under the curve of the
best loss until then (0 is the best of all points, 1 the one in the middle).

The clock is simulated: an epoch takes its recorded time, a hundredfold, and a suggestion
none. What suggestions take, in processor time, is a figure of its own. So other work on
the machine changes no result. KerasTuner's Bayesian search thinks for up to seconds: it
gets fewer seeds, not a slower clock. Ray Tune takes part where it is installed. Several
replays run side by side (`--jobs`).

With --live a network is really trained as well, by our search in two worker processes
and by KerasTuner's tuners in process: see `live_search`.

The goals, for the first number of workers: the search "auto" reaches the target at least 1.5
times as fast as the best of the others with as many workers, in the median over the
tasks, and at least 0.9 times as fast on each; at least 5 times as fast as the best of the
stock tuners, in the median; and its loss at equal budget is at most that of the best of
the others on each task. Figures have bootstrap intervals of 95 % over the seeds.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import statistics
import sys
from collections.abc import Callable
from concurrent import futures
from typing import Any
from unittest import mock

import numpy as np

from benchmarks import harness, replay, scoring, searchers, task_sets
from benchmarks.scoring import Scores

_LIMIT_LIVE_S = 240.0
# They think for a long time, so they get fewer seeds.
_SLOW = "bayesian"
_SLOW_SEEDS = 3


def replay_all(name: str, task: str, workers: int, seeds: int) -> Scores:
    """Replays one searcher on one task, with several seeds."""
    table = task_sets.load(task)
    measure = scoring.Measure.of(table, workers)
    scores = []
    for seed in range(seeds):
        searcher, its_workers = searchers.make(name, table, seed, workers)
        outcome = replay.run(
            searcher, table, its_workers, measure.limit_s, measure.enough
        )
        scores.append(measure.score(outcome))
    return scores


def measure_replayed(
    names: list[str], tasks: list[str], workers: int, seeds: int, jobs: int | None
) -> dict[str, Any]:
    """Replays searchers on the recorded curves of tasks, `jobs` of them at a time.

    Returns:
        For each task its target and the figures of each searcher; and the figures of the
        goals, over all tasks.
    """
    found: dict[str, dict[str, Scores]] = {task: {} for task in tasks}
    # What takes longest starts first, so that nothing waits for it in the end.
    names = sorted(names, key=lambda name: (_SLOW not in name, "ours" not in name))
    with (
        # Only of a single thread is the processor time known.
        mock.patch.dict(os.environ, OMP_NUM_THREADS="1"),
        futures.ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool,
    ):
        running = {}
        for name, task in itertools.product(names, tasks):
            few = min(seeds, _SLOW_SEEDS) if _SLOW in name else seeds
            running[pool.submit(replay_all, name, task, workers, few)] = (name, task)
        for done in futures.as_completed(running):
            name, task = running[done]
            found[task][name] = done.result()
            _tell(task, name, scoring.figures_of(found[task][name]))
    figures: dict[str, Any] = {
        task: {"target": task_sets.load(task).target(scoring.SHARE)}
        | {name: scoring.figures_of(found[task][name]) for name in sorted(found[task])}
        for task in tasks
    }
    figures["goals"] = goals(list(found.values()))
    for kind, members in task_sets.KINDS.items():
        if of_kind := [found[task] for task in tasks if task in members]:
            figures[f"goals on {kind} tasks"] = goals(of_kind)
    return figures


def _tasks() -> list[str]:
    """The tasks whose curves are there."""
    return [name for name in task_sets.NAMES if task_sets.is_there(name)]


def goals(tasks: list[dict[str, Scores]]) -> dict[str, Any]:
    """The figures of the goals, each followed by its interval.

    Args:
        tasks: For each task the scores of each searcher, with equal workers but for the
            stock tuners.
    """

    def is_stock(name: str) -> bool:
        return name.startswith(searchers.STOCK)

    def is_peer(name: str) -> bool:
        return not name.startswith((searchers.AUTO, "ours", searchers.STOCK))

    def is_before(name: str) -> bool:
        return name == "ours"

    def slowdowns(of: str, others: Callable[[str], bool]) -> list[_Ratio]:
        return [_Ratio(of, task, others) for task in tasks]

    kinds: dict[str, tuple[list[_Ratio], Callable[[Any], float]]] = {
        "speedup_median": (slowdowns("seconds", is_peer), np.median),
        "speedup_least": (slowdowns("seconds", is_peer), min),
        "speedup_over_stock_median": (slowdowns("seconds", is_stock), np.median),
        "speedup_over_optuna_search_median": (
            slowdowns("seconds", is_before),
            np.median,
        ),
        "loss_ratio_worst": (slowdowns("loss", is_peer), lambda r: 1 / min(r)),
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


def are_met(reached: dict[str, Any]) -> bool:
    """Whether all goals are, of which there are figures."""
    return (
        reached.get("speedup_median", 1.5) >= 1.5
        and reached.get("speedup_least", 0.9) >= 0.9
        and reached.get("speedup_over_stock_median", 5) >= 5
        and reached.get("loss_ratio_worst", 1) <= 1
    )


def measure_live(seeds: int) -> dict[str, Any]:
    """Runs the searches that really train, each with several seeds.

    Returns:
        The target, what `live_search.measure` found about each search (medians), and the
        speedup.
    """
    from benchmarks import live_search

    figures: dict[str, Any] = {"target": live_search.TARGET}
    for name in (*live_search.STOCK, live_search.OURS):
        runs = [live_search.measure(name, seed, _LIMIT_LIVE_S) for seed in range(seeds)]
        figures[name] = {
            "missed": statistics.mean(not run["reached"] for run in runs),
            "seconds_to_target": statistics.median(run["seconds"] for run in runs),
            "epochs_to_target": statistics.median(run["epochs"] for run in runs),
            "trials": statistics.median(run["trials"] for run in runs),
            "loss": statistics.median(run["loss"] for run in runs),
            "seeds": seeds,
        }
        _tell("live", name, figures[name])
    figures["speedup"] = _speedup(figures)
    return figures


def _speedup(figures: dict[str, Any]) -> float:
    """How many times as fast as the best stock tuner our search reaches the target."""
    best = min(
        found["seconds_to_target"]
        for name, found in figures.items()
        if name.startswith(searchers.STOCK)
    )
    return float(best / figures["ours"]["seconds_to_target"])


def _tell(task: str, name: str, figures: dict[str, Any]) -> None:
    print(f"{task:12} {name:22} {json.dumps(figures)}", file=sys.stderr, flush=True)


def main() -> None:
    """Measures, prints a table and the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--live", action="store_true", help="train a network, too")
    parser.add_argument("--live-seeds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--workers", type=int, nargs="*", default=[2])
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time")
    parser.add_argument("--tasks", nargs="*", default=_tasks())
    parser.add_argument("--searchers", nargs="*", default=searchers.available())
    arguments = parser.parse_args()
    names, tasks, seeds = arguments.searchers, arguments.tasks, arguments.seeds
    if arguments.quick:
        names, tasks, seeds = [n for n in names if _SLOW not in n], tasks[1:2], 1
    figures: dict[str, Any] = {
        f"{workers} workers": measure_replayed(
            names, tasks, workers, seeds, arguments.jobs
        )
        for workers in arguments.workers
    }
    met = are_met(figures[f"{arguments.workers[0]} workers"]["goals"])
    if arguments.live:
        figures["live"] = measure_live(arguments.live_seeds)
    harness.report(arguments, figures, met)


if __name__ == "__main__":
    main()
