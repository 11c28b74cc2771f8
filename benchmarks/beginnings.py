"""Searches where it takes long to begin a trial: to build a model, and to compile it.

    python -m benchmarks.beginnings [--quick] [--check] [--seeds 5]

Replays searches on the tasks of development with two workers, as `search_quality` does. But
each trial takes some time before its first epoch, and so does one that goes on after a
pause: none, as long as two epochs take in the mean of the task, or as long as eight.
The search "auto" learns what it takes, as it does in earnest; beside it is one that is
never told, and what others do.

The goals: where it takes eight epochs, "auto" reaches the target at least 1.2 times as fast
as without knowing, in the geometric mean over the tasks; where it takes none, at least 0.95
times as fast: to find that out costs hardly anything.
"""

import argparse
import dataclasses
import math
import multiprocessing
import os
import statistics
from concurrent import futures
from typing import Any
from unittest import mock

from benchmarks import harness, replay, scoring, searchers, task_sets
from benchmarks.curve_tasks import EPOCHS
from tuner_component.planner.times import Times

WORKERS = 2
# A beginning takes as long as so many epochs.
LENGTHS = (0, 2, 8)
LEARNS, IGNORES = '"auto"', '"auto", never told'
OTHERS = ("ray random asha", "optuna hyperband", "kerastuner hyperband")
_GOAL, _GOAL_WITHOUT = 1.2, 0.95


class Learning(searchers.Auto):
    """The search "auto", which learns from how long legs took, as `AutoOracle` does.

    Args:
        task: The task.
        seed: Of the search.
        start_s: How long it takes to begin.
    """

    def __init__(self, task: replay.Task, seed: int, start_s: float) -> None:
        super().__init__(task, seed)
        self._start_s, self._times = start_s, Times()

    def tell_times(self, trial: replay.Trial, epoch: int) -> None:
        """Tells what is known by now."""
        epochs = epoch + 1 - trial.begin
        if self.planner.is_rung(epoch + 1):
            leg_s = self._start_s + epochs * trial.epoch_s
            self._times.add(str(trial.trial_id), epochs, leg_s)
        known = {int(name): seconds for name, seconds in self._times.epoch_s.items()}
        self.planner.learn_times(known, self._times.start_s)


@dataclasses.dataclass(frozen=True)
class Case:
    """One replay: a search on a task, with beginnings of some length."""

    task: str
    search: str
    length: int
    seed: int


def seconds_of(case: Case) -> float:
    """When a search has reached the target; the limit if it has not."""
    task = task_sets.load(case.task)
    start_s = case.length * task.training_s / EPOCHS
    measure = scoring.Measure.of(task, WORKERS)
    limit_s = measure.limit_s * (1.0 + case.length / EPOCHS)
    if case.search == LEARNS:
        searcher: replay.Searcher = Learning(task, case.seed, start_s)
    else:
        name = searchers.AUTO if case.search == IGNORES else case.search
        searcher, _ = searchers.make(name, task, case.seed, WORKERS)
    outcome = replay.run(
        *(searcher, task, WORKERS, limit_s, lambda best, now: best <= measure.target),
        start_s=start_s,
    )
    return min(
        (now for now, best in outcome.ends if best <= measure.target), default=limit_s
    )


def figures_of(found: dict[Case, float]) -> dict[str, Any]:
    """By length and search: the geometric mean over tasks and seeds, and how many times as
    fast "auto" is.
    """
    figures: dict[str, Any] = {}
    for length in sorted({case.length for case in found}):
        of_length = {case: s for case, s in found.items() if case.length == length}
        means = {name: _mean(of_length, search=name) for name in _names(of_length)}
        ratios = {name: mean / means[LEARNS] for name, mean in means.items()}
        figures[f"{length} epochs"] = {"seconds": means, "times as fast": ratios}
    return figures


def _table(found: dict[Case, float], length: int) -> str:
    """A line for each search: its mean, and that of each task."""
    rows = [f"A beginning takes {length} epochs: geometric means of the seconds"]
    of_length = {case: s for case, s in found.items() if case.length == length}
    for name in _names(of_length):
        mean = _mean(of_length, search=name)
        tasks = dict.fromkeys(case.task for case in of_length)
        each = [f"{t} {_mean(of_length, search=name, task=t):.0f}" for t in tasks]
        rows.append(f"  {name:22} {mean:6.0f}   {', '.join(each)}")
    return "\n".join(rows)


def _names(found: dict[Case, float]) -> list[str]:
    return list(dict.fromkeys(case.search for case in found))


def _mean(found: dict[Case, float], **chosen: str) -> float:
    """The geometric mean of the replays that have what is chosen."""
    wanted = chosen.items()
    return math.exp(
        statistics.fmean(
            math.log(seconds)
            for case, seconds in found.items()
            if wanted <= dataclasses.asdict(case).items()
        )
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time")
    return parser.parse_args()


def main() -> None:
    """Measures, prints a table and the figures."""
    given = _arguments()
    names = [LEARNS, IGNORES, *(n for n in OTHERS if n in searchers.available())]
    tasks = [name for name in task_sets.DEVELOPMENT if task_sets.is_there(name)]
    lengths: tuple[int, ...] = LENGTHS
    seeds = given.seeds
    if given.quick:
        names, tasks, lengths, seeds = names[:2], tasks[:1], LENGTHS[::2], 1
    cases = [
        Case(task, name, length, seed)
        for length in lengths
        for name in names
        for task in tasks
        for seed in range(seeds)
    ]
    with (
        mock.patch.dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"),
        futures.ProcessPoolExecutor(
            given.jobs, multiprocessing.get_context("spawn")
        ) as pool,
    ):
        found = dict(zip(cases, pool.map(seconds_of, cases), strict=True))
    for length in lengths:
        print(_table(found, length))
    figures = figures_of(found)
    gains = {n: one["times as fast"][IGNORES] for n, one in figures.items()}
    met = gains[f"{lengths[-1]} epochs"] >= _GOAL and gains["0 epochs"] >= _GOAL_WITHOUT
    harness.report(given, figures | {"seeds": seeds}, met)


if __name__ == "__main__":
    main()
