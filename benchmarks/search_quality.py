"""How soon a search gets to a good model, compared with other searches.

    python -m benchmarks.search_quality [--quick] [--check] [--live]

Replays recorded learning curves (see `record_curves`): real tasks, six
hyperparameters, several seeds. The stock Tuner has one worker, as it always does; all
others have two. The target is the loss that the best 1 % of the points reach; the budget
is that of 40 whole trainings. An epoch takes its recorded time, a hundredfold; a
suggestion takes as long as it really takes, in processor time. KerasTuner's Bayesian
search thinks for up to a second, about trials that take half a minute: it gets fewer
seeds, not a slower clock. Ray Tune takes part where it is installed. Several replays run
side by side (`--jobs`).

With --live a network is really trained as well, by our search in two worker processes
and by KerasTuner's tuners in process: see `live_search`.

The goal: with two workers our search reaches the target at least 3 times as fast (wall
clock) as the best of the stock tuners, in the median over the tasks; and its loss at
equal budget is at most that of the best of plain Optuna and of Ray Tune, in the median
over the tasks.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import statistics
import sys
from concurrent import futures
from typing import Any
from unittest import mock

from benchmarks import curve_tasks, harness, replay, searchers

_SHARE = 0.01
_BUDGET = 40 * curve_tasks.EPOCHS
# A search that has not reached the target by then counts as reaching it then.
_LIMIT = 100 * curve_tasks.EPOCHS
_LIMIT_SLOW = 60 * curve_tasks.EPOCHS
_LIMIT_LIVE_S = 240.0
# It thinks for a long time, so it gets fewer seeds.
_SLOW = "stock bayesian"
_SLOW_SEEDS = 5


def _measure(name: str, task: str, seeds: int) -> dict[str, Any]:
    """Runs one searcher on one task with several seeds."""
    table = replay.Table(task)
    target = table.target(_SHARE)
    limit = _LIMIT_SLOW if name == _SLOW else _LIMIT
    seconds, epochs, losses, thoughts, missed = [], [], [], [], 0
    for seed in range(seeds):
        searcher, workers = searchers.make(name, table.task.space, seed)
        outcome = replay.run(
            searcher,
            table,
            workers,
            limit,
            lambda best, spent: best <= target and spent >= _BUDGET,
        )
        hit = outcome.reached(target)
        missed += hit is None
        last = outcome.ends[-1]
        seconds.append(hit[0] if hit else last[0])
        epochs.append(hit[1] if hit else last[1])
        losses.append(outcome.best_after(_BUDGET))
        thoughts += outcome.suggestions
    return {
        "seconds_to_target": statistics.median(seconds),
        "epochs_to_target": statistics.median(epochs),
        "loss_at_budget": statistics.median(losses),
        "missed": missed,
        "seeds": seeds,
        "suggestion_ms": 1000 * statistics.median(thoughts),
    }


def measure_replayed(
    names: list[str], tasks: list[str], seeds: int, jobs: int | None
) -> dict[str, Any]:
    """Replays searchers on the recorded curves of tasks, `jobs` of them at a time.

    Returns:
        For each task its target and what `_measure` found about each searcher; and the
        figures of the goal, over all tasks.
    """
    figures: dict[str, Any] = {
        task: {"target": replay.Table(task).target(_SHARE)} for task in tasks
    }
    # What takes longest starts first, so that nothing waits for it in the end.
    names = sorted(names, key=lambda name: (name != _SLOW, not name.startswith("ours")))
    with (
        # Only of a single thread is the processor time known.
        mock.patch.dict(os.environ, OMP_NUM_THREADS="1"),
        futures.ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool,
    ):
        running = {}
        for name, task in itertools.product(names, tasks):
            few = min(seeds, _SLOW_SEEDS) if name == _SLOW else seeds
            running[pool.submit(_measure, name, task, few)] = (name, task)
        for done in futures.as_completed(running):
            name, task = running[done]
            figures[task][name] = done.result()
            _tell(task, name, figures[task][name])
    return figures | _summary(list(figures.values()))


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
            "seconds_to_target": statistics.median(run["seconds"] for run in runs),
            "epochs_to_target": statistics.median(run["epochs"] for run in runs),
            "trials": statistics.median(run["trials"] for run in runs),
            "loss": statistics.median(run["loss"] for run in runs),
            "missed": sum(not run["reached"] for run in runs),
            "seeds": seeds,
        }
        _tell("live", name, figures[name])
    figures["speedup"] = _speedup(figures)
    return figures


def _summary(tasks: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of the goal, from those of each task."""
    speedups = [_speedup(task) for task in tasks]
    ratios = []
    for task in tasks:
        others = [
            found["loss_at_budget"]
            for name, found in task.items()
            if name.startswith(("optuna", "ray"))
        ]
        ratios.append(task["ours"]["loss_at_budget"] / min(others))
    return {
        "speedup_median": statistics.median(speedups),
        "speedups": speedups,
        "loss_ratio_median": statistics.median(ratios),
        "loss_ratios": ratios,
    }


def _speedup(task: dict[str, Any]) -> float:
    """How many times as fast as the best stock tuner our search reaches the target."""
    best = min(
        found["seconds_to_target"]
        for name, found in task.items()
        if name.startswith("stock")
    )
    return float(best / task["ours"]["seconds_to_target"])


def _tell(task: str, name: str, figures: dict[str, Any]) -> None:
    print(f"{task:12} {name:22} {json.dumps(figures)}", file=sys.stderr, flush=True)


def main() -> None:
    """Measures, prints a table and the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--live", action="store_true", help="train a network, too")
    parser.add_argument("--live-seeds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time")
    parser.add_argument("--tasks", nargs="*", default=list(curve_tasks.TASKS))
    parser.add_argument("--searchers", nargs="*", default=searchers.available())
    arguments = parser.parse_args()
    names, tasks, seeds = arguments.searchers, arguments.tasks, arguments.seeds
    if arguments.quick:
        names, tasks, seeds = [n for n in names if n != _SLOW], tasks[1:2], 1
    figures = measure_replayed(names, tasks, seeds, arguments.jobs)
    met = figures["speedup_median"] >= 3 and figures["loss_ratio_median"] <= 1
    if arguments.live:
        figures["live"] = measure_live(arguments.live_seeds)
    harness.report(arguments, figures, met)


if __name__ == "__main__":
    main()
