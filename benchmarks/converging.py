"""When a search ends by itself, and what it would have found if it had gone on.

    python -m benchmarks.converging [--quick] [--check] [--seeds 5] [--tasks digits late]

Replays the search "auto" twice on each task of development: with the end that
`TuneArgs(stop_when="converged")` gives it, and without, until its two workers have had the
time of 60 whole trainings together. Until the end, both do the same. The clock is
simulated: see `replay`. The results are kept in results/converged.txt.

The goal: the ends save a quarter of the time in the mean over tasks, and on each task as
many seeds have reached the target by then as if they had gone on.
"""

import argparse
import dataclasses
import itertools
import os
import statistics
from typing import Any

from benchmarks import harness, replay, scoring, searchers, task_sets
from tuner_component.planner.convergence import Convergence

WORKERS, TRAININGS = 2, 60
# The share of the time, in the mean over tasks.
_GOAL = 0.75


@dataclasses.dataclass(frozen=True)
class Ended:
    """One search that could end by itself, beside the same one that went on.

    Attributes:
        has_ended: Whether it did before the limit.
        share: The share of the limit's time that it took.
        loss: The best loss that it had found.
        reaches: Whether that is the target or better.
        later: The best loss at the limit, had it gone on.
        would_reach: Whether that is the target or better.
    """

    has_ended: bool
    share: float
    loss: float
    reaches: bool
    later: float
    would_reach: bool


def compare(name: str, seed: int) -> Ended:
    """Runs both searches on a task."""
    task = task_sets.load(name)
    limit_s = TRAININGS * task.training_s / WORKERS
    target, ending = task.target(scoring.SHARE), Convergence()
    ended, whole = (
        replay.run(searchers.Auto(task, seed, how), task, WORKERS, limit_s)
        for how in (ending, None)
    )
    return Ended(
        has_ended=ending.is_over,
        share=min(ended.ends[-1][0] / limit_s, 1.0),
        loss=ended.best,
        reaches=ended.best <= target,
        later=whole.best,
        would_reach=whole.best <= target,
    )


def row(name: str, found: list[Ended]) -> str:
    """A line of the table, about all seeds of a task."""
    regret = [one.loss - one.later for one in found]
    return (
        f"{name:11} ended {sum(one.has_ended for one in found)} of {len(found)}  "
        f"time {statistics.mean(one.share for one in found):.2f} "
        f"[{' '.join(f'{one.share:.2f}' for one in found)}]  "
        f"loss {statistics.mean(one.loss for one in found):.4f}  "
        f"later {statistics.mean(one.later for one in found):.4f}  "
        f"worse by at most {max(regret):.4f}  target "
        f"{sum(one.reaches for one in found)}, later "
        f"{sum(one.would_reach for one in found)}"
    )


def main() -> None:
    """Measures, prints a line for each task and the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tasks", nargs="*", default=task_sets.DEVELOPMENT)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time")
    given = parser.parse_args()
    names, seeds = (["tiny"], 1) if given.quick else (given.tasks, given.seeds)
    cases = list(itertools.product(names, range(seeds)))
    with harness.single_threaded(given.jobs) as pool:
        found = dict(
            zip(cases, pool.map(compare, *zip(*cases, strict=True)), strict=True)
        )
    figures: dict[str, Any] = {"seeds": seeds}
    for name in names:
        of_task = [found[name, seed] for seed in range(seeds)]
        print(row(name, of_task))
        figures[name] = {
            "share": statistics.mean(one.share for one in of_task),
            "reached": sum(one.reaches for one in of_task),
            "later": sum(one.would_reach for one in of_task),
        }
    figures["share"] = statistics.mean(figures[name]["share"] for name in names)
    met = figures["share"] <= _GOAL and all(
        figures[name]["reached"] >= figures[name]["later"] for name in names
    )
    harness.report(given, figures, met)


if __name__ == "__main__":
    main()
