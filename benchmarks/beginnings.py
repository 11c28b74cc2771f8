"""Searches where it takes long to begin a trial: to build a model, and to compile it.

    python -m benchmarks.beginnings [--quick] [--check] [--seeds 3]

Replays searches on the tasks of development with two workers, as `search_quality` does. But
each trial takes some time before its first epoch, and so does one that goes on after a
pause: none, or as long as eight epochs take in the mean of the task. The search "auto"
learns what it takes, and what an epoch does, as it does in earnest: from how long trials
took, which is measured with an error of 15 %. Beside it is one that knows what an epoch
takes and is never told of beginnings, and what others do.

There are few seeds, and when a search reaches the target is half luck. So the goals are
about the area under the curve of the best loss (see `scoring`), less of which is better:
where a beginning takes eight epochs, that of "auto" is at most 0.9 times what it is without
knowing, in the geometric mean over tasks; where it takes none, at most 1.05 times: to find
out costs hardly anything.
"""

import argparse
import dataclasses
import math
import os
import statistics
from typing import Any

import numpy as np

from benchmarks import harness, replay, scoring, searchers, task_sets
from benchmarks.curve_tasks import EPOCHS
from benchmarks.scoring import Score
from tuner_component.planner.times import Times

WORKERS = 2
# A beginning takes as long as so many epochs.
LENGTHS = (0, 8)
LEARNS, IGNORES = '"auto"', '"auto", never told'
OTHERS = ("ray random asha", "optuna hyperband", "kerastuner hyperband")
# The deviation of a measured time, as a share of it.
_ERROR = 0.15
_GOAL, _GOAL_WITHOUT = 0.9, 1.05


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
        self._draw = np.random.default_rng(seed)
        self._tell()

    def tell_times(self, trial: replay.Trial, epoch: int) -> None:
        """Tells what is known by now."""
        epochs = epoch + 1 - trial.begin
        if self.planner.is_rung(epoch + 1):
            leg_s = self._start_s + epochs * trial.epoch_s
            leg_s *= math.exp(_ERROR * self._draw.standard_normal())
            self._times.add(str(trial.trial_id), epochs, leg_s)
            self._tell()

    def _tell(self) -> None:
        known = {int(name): seconds for name, seconds in self._times.epoch_s.items()}
        self.planner.learn_times(known, self._times.start_s)


@dataclasses.dataclass(frozen=True)
class Case:
    """One replay: a search on a task, with beginnings of some length."""

    task: str
    search: str
    length: int
    seed: int


def score_of(case: Case) -> Score:
    """What a search is worth, in the time that beginnings add for all searches alike."""
    task = task_sets.load(case.task)
    start_s = case.length * task.training_s / EPOCHS
    measure = scoring.Measure.of(task, WORKERS)
    longer = 1.0 + case.length / EPOCHS
    measure = dataclasses.replace(
        measure,
        limit_s=measure.limit_s * longer,
        budget_s=measure.budget_s * longer,
    )
    if case.search == LEARNS:
        searcher: replay.Searcher = Learning(task, case.seed, start_s)
    else:
        name = searchers.AUTO if case.search == IGNORES else case.search
        searcher, _ = searchers.make(name, task, case.seed, WORKERS)
    outcome = replay.run(
        *(searcher, task, WORKERS, measure.limit_s, measure.enough), start_s=start_s
    )
    return measure.score(outcome)


def figures_of(found: dict[Case, Score]) -> dict[str, Any]:
    """By length, search and figure: the geometric mean over tasks and seeds, and how many
    times that of "auto" it is.
    """
    figures: dict[str, Any] = {}
    for length in sorted({case.length for case in found}):
        of_length = {case: s for case, s in found.items() if case.length == length}
        for figure in ("seconds", "area"):
            means = {
                name: _mean(of_length, figure, search=name)
                for name in _names(of_length)
            }
            ratios = {name: mean / means[LEARNS] for name, mean in means.items()}
            figures[f"{length} epochs, {figure}"] = {"means": means, "times": ratios}
    return figures


def _table(found: dict[Case, Score], length: int) -> str:
    """A line for each search: its means, and the seconds of each task."""
    rows = [f"A beginning takes {length} epochs: area, seconds, and these of each task"]
    of_length = {case: s for case, s in found.items() if case.length == length}
    for name in _names(of_length):
        area, seconds = (
            _mean(of_length, figure, search=name) for figure in ("area", "seconds")
        )
        tasks = dict.fromkeys(case.task for case in of_length)
        each = [
            f"{task} {_mean(of_length, 'seconds', search=name, task=task):.0f}"
            for task in tasks
        ]
        rows.append(f"  {name:22} {area:5.3f} {seconds:6.0f}   {', '.join(each)}")
    return "\n".join(rows)


def _names(found: dict[Case, Score]) -> list[str]:
    return list(dict.fromkeys(case.search for case in found))


def _mean(found: dict[Case, Score], figure: str, **chosen: str) -> float:
    """The geometric mean of a figure of the replays that have what is chosen."""
    wanted = chosen.items()
    return math.exp(
        statistics.fmean(
            math.log(getattr(score, figure))
            for case, score in found.items()
            if wanted <= dataclasses.asdict(case).items()
        )
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time")
    return parser.parse_args()


def main() -> None:
    """Measures, prints a table and the figures."""
    given = _arguments()
    names = [LEARNS, IGNORES, *(n for n in OTHERS if n in searchers.available())]
    tasks = [name for name in task_sets.DEVELOPMENT if task_sets.is_there(name)]
    seeds = given.seeds
    if given.quick:
        names, tasks, seeds = names[:2], tasks[:1], 1
    cases = [
        Case(task, name, length, seed)
        for length in LENGTHS
        for name in names
        for task in tasks
        for seed in range(seeds)
    ]
    with harness.single_threaded(given.jobs) as pool:
        found = dict(zip(cases, pool.map(score_of, cases), strict=True))
    for length in LENGTHS:
        print(_table(found, length))
    figures = figures_of(found)
    areas = {n: 1.0 / figures[f"{n} epochs, area"]["times"][IGNORES] for n in LENGTHS}
    met = areas[LENGTHS[-1]] <= _GOAL and areas[0] <= _GOAL_WITHOUT
    harness.report(given, figures | {"seeds": seeds}, met)


if __name__ == "__main__":
    main()
