"""How soon a search gets to a good model, compared with other searches.

    python -m benchmarks.search_quality [--quick] [--check]

Replays recorded learning curves (see `record_curves`): real tasks, six
hyperparameters, several seeds. The stock Tuner has one worker, as it has; all else has
two. The target is the loss that the best 1 % of the points reach; the budget is that of
40 whole trainings. An epoch takes its recorded time, a hundredfold; a suggestion takes as
long as it really takes.

The goal: with two workers ours is at least 3 times as fast (wall clock) to the target as
the best of the stock tuners, in the median over the tasks; and its loss at equal budget
is at most that of plain Optuna, in the median over the tasks.
"""

import argparse
import json
import statistics
import sys
from typing import Any

from benchmarks import curve_tasks, harness, replay, searchers

_SHARE = 0.01
_BUDGET = 40 * curve_tasks.EPOCHS
# Who has not reached the target by then counts as reaching it then.
_LIMIT = 100 * curve_tasks.EPOCHS
_LIMIT_SLOW = 60 * curve_tasks.EPOCHS
# It thinks for seconds, so it gets fewer seeds.
_SLOW = "stock bayesian"


def measure(name: str, table: replay.Table, seeds: int) -> dict[str, Any]:
    """Runs one searcher on one task with several seeds."""
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


def main() -> None:
    """Measures, prints a table and the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument(
        "--tasks",
        nargs="*",
        default=[name for name in curve_tasks.TASKS if replay.is_recorded(name)],
        help="by default those that are recorded as a whole",
    )
    parser.add_argument("--searchers", nargs="*", default=list(searchers.NAMES))
    arguments = parser.parse_args()
    names = list(arguments.searchers)
    seeds = arguments.seeds
    if arguments.quick:
        names, seeds = [n for n in names if n != _SLOW], 2
    figures: dict[str, Any] = {}
    for task in arguments.tasks:
        table = replay.Table(task)
        figures[task] = {"target": table.target(_SHARE)}
        for name in names:
            few = min(seeds, 3) if name == _SLOW else seeds
            figures[task][name] = found = measure(name, table, few)
            print(
                f"{task:12} {name:22} {json.dumps(found)}", file=sys.stderr, flush=True
            )
    figures |= _summary([figures[task] for task in arguments.tasks], names)
    met = figures["speedup_median"] >= 3 and figures["loss_ratio_median"] <= 1
    harness.report(arguments, figures, met)


def _summary(tasks: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """The goal's figures, from one of each task."""
    stock = [name for name in names if name.startswith("stock")]
    others = [name for name in names if name.startswith("optuna")]
    speedups, ratios = [], []
    for task in tasks:
        best = min(task[name]["seconds_to_target"] for name in stock)
        speedups.append(best / task["ours"]["seconds_to_target"])
        best = min(task[name]["loss_at_budget"] for name in others)
        ratios.append(task["ours"]["loss_at_budget"] / best)
    return {
        "speedup_median": statistics.median(speedups),
        "speedups": speedups,
        "loss_ratio_median": statistics.median(ratios),
        "loss_ratios": ratios,
    }


if __name__ == "__main__":
    main()
