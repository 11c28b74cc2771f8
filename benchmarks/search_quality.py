"""How soon a search gets to a good model, compared with other searches.

    python -m benchmarks.search_quality [--quick] [--check] [--live] [--workers 2 8]

Replays learning curves with several seeds: recorded ones of real tasks with six
hyperparameters (see `record_curves`), and computed ones (see `synthetic_curves`). Some of
the tasks were held out while the search "auto" was made (see `task_sets`). All searches
have the same number of workers; the stock Tuner, which runs one trial after the other, is
there as well with its one. The target is the loss that the best 1 % of the points reach.
The workers together have the time of 200 whole trainings to reach it; a search that does
not counts with all of that time, even if it ended by itself before, and how many seeds
missed it is the first figure of all. Losses are compared after the time of 40 whole
trainings, and so is the area under the curve of the best loss until then (0 is the best of
all points, 1 the one in the middle).

The clock is simulated: an epoch takes its recorded time, a hundredfold, and a suggestion
none. What suggestions take, in processor time, is a figure of its own. So other work on
the machine changes no result. A search that thinks for long gets fewer seeds, not a slower
clock (`SEEDS`). Ray Tune and Syne Tune take part where they are installed, and open-source
Vizier where VIZIER_ENDPOINT says where it runs.

The score of each replay is kept in a file (`--scores`): what is there and not out of date
is not run again. So a measurement can be stopped and gone on with, and made in pieces, in
several environments. `--assemble` runs nothing, and makes the tables and the goals of all
that is there, also in a page (`--page docs/algorithms.md`).

With --live a network is really trained as well, by our searches in two worker processes
and by KerasTuner's tuners in process: see `live_search`.

The goals, for two workers: the search "auto" reaches the target at least 1.5 times as fast
as the best of the others with as many workers, in the median over the tasks, and at least
0.9 times as fast on each; at least 5 times as fast as the best of the stock tuners, in the
median; and its loss at equal budget is at most that of the best of the others on each
task. Figures have bootstrap intervals of 95 % over the seeds.
"""

import argparse
import functools
import itertools
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterable
from concurrent import futures
from pathlib import Path
from typing import Any

from benchmarks import (
    goals,
    harness,
    quality_page,
    quality_tables,
    replay,
    scoring,
    searchers,
    task_sets,
)
from benchmarks.score_file import Key, ScoreFile
from benchmarks.scoring import Score, Scores

KEPT = Path(__file__).parent / "results" / "search_quality.jsonl"
_LIMIT_LIVE_S = 240.0
# Searches that think for a long time get fewer seeds than the others.
SEEDS = {"bayesian": 5, "default": 1}


def replays(
    names: Iterable[str], tasks: Iterable[str], workers: Iterable[int], seeds: int
) -> list[Key]:
    """The replays of a measurement, so that all searches have about as many seeds by then
    if it is ended before its end.
    """
    every = itertools.product(range(seeds), workers, tasks, names)
    return [
        Key(task, name, many, seed)
        for seed, many, task, name in every
        if seed < SEEDS.get(name.split()[-1], seeds)
    ]


def score_of(key: Key) -> Score:
    """Replays a search."""
    table = _loaded(key.task)
    measure = scoring.Measure.of(table, key.workers)
    searcher, workers = searchers.make(key.searcher, table, key.seed, key.workers)
    outcome = replay.run(searcher, table, workers, measure.limit_s, measure.enough)
    return measure.score(outcome)


@functools.lru_cache(2)
def _loaded(task: str) -> replay.Task:
    return task_sets.load(task)


def run(keys: list[Key], kept: ScoreFile, jobs: int | None) -> None:
    """Runs the replays that are not in the file, `jobs` of them at a time."""
    with harness.single_threaded(jobs) as pool:
        running = {pool.submit(score_of, key): key for key in kept.missing(keys)}
        for done in futures.as_completed(running):
            kept.add(running[done], done.result())
            score = done.result()
            _tell(f"{running[done]} {score.seconds:.0f} s, {score.suggestions_s:.1f} s")


def figures_of(tasks: dict[str, dict[str, Scores]]) -> dict[str, Any]:
    """The figures of each search on each task, and those of the goals over all tasks."""
    figures: dict[str, Any] = {
        task: {"target": task_sets.load(task).target(scoring.SHARE)}
        | {name: scoring.figures_of(scores) for name, scores in sorted(found.items())}
        for task, found in tasks.items()
    }
    with_auto = {t: found for t, found in tasks.items() if searchers.AUTO in found}
    figures["goals"] = goals.of(list(with_auto.values()))
    for kind, members in task_sets.KINDS.items():
        if of_kind := [with_auto[task] for task in with_auto if task in members]:
            figures[f"goals on {kind} tasks"] = goals.of(of_kind)
    return figures


def _tasks() -> list[str]:
    """The tasks whose curves are there."""
    return [name for name in task_sets.NAMES if task_sets.is_there(name)]


def measure_live(seeds: int) -> dict[str, Any]:
    """Runs the searches that really train, each with several seeds.

    Returns:
        The target, what `live_search.measure` found about each search (medians), and the
        speedup.
    """
    from benchmarks import live_search

    figures: dict[str, Any] = {"target": live_search.TARGET}
    for name in (*live_search.STOCK, live_search.OURS, live_search.AUTO):
        runs = [live_search.measure(name, seed, _LIMIT_LIVE_S) for seed in range(seeds)]
        figures[name] = {
            "missed": statistics.mean(not run["reached"] for run in runs),
            "seconds_to_target": statistics.median(run["seconds"] for run in runs),
            "epochs_to_target": statistics.median(run["epochs"] for run in runs),
            "trials": statistics.median(run["trials"] for run in runs),
            "loss": statistics.median(run["loss"] for run in runs),
            "seeds": seeds,
        }
        _tell(f"live {name} {json.dumps(figures[name])}")
    figures["speedup"] = _speedup(figures)
    return figures


def _speedup(figures: dict[str, Any]) -> float:
    """How many times as fast as the best stock tuner "auto" reaches the target."""
    best = min(
        found["seconds_to_target"]
        for name, found in figures.items()
        if name.startswith(searchers.STOCK)
    )
    return float(best / figures[searchers.AUTO]["seconds_to_target"])


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--live", action="store_true", help="train a network, too")
    parser.add_argument("--live-seeds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument(
        "--workers", type=int, nargs="*", default=[quality_page.WORKERS]
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time")
    parser.add_argument("--tasks", nargs="*", default=_tasks())
    parser.add_argument("--searchers", nargs="*", default=searchers.available())
    parser.add_argument("--scores", type=Path, default=KEPT, help="where they are kept")
    parser.add_argument("--assemble", action="store_true", help="run nothing")
    parser.add_argument("--page", type=Path, help="where tables are made anew")
    return parser.parse_args()


def main() -> None:
    """Measures, prints tables and the figures."""
    given = _arguments()
    names, tasks, seeds, scores = (
        given.searchers,
        given.tasks,
        given.seeds,
        given.scores,
    )
    if given.quick:
        names = [name for name in names if name.split()[-1] not in SEEDS]
        tasks, seeds = tasks[1:2], 1
        scores = Path(tempfile.mkdtemp(), "scores.jsonl")
    kept = ScoreFile(scores)
    if given.assemble:
        kept.write()
        _tell(f"{len(kept.scores)} scores; {kept.out_of_date} out of date, left out")
    else:
        run(replays(names, tasks, given.workers, seeds), kept, given.jobs)
    by_workers = {workers: kept.of_workers(workers) for workers in kept.workers}
    print(quality_tables.of(by_workers), flush=True)
    if given.page:
        given.page.write_text(quality_page.filled(given.page.read_text(), by_workers))
    figures: dict[str, Any] = {
        f"{workers} workers": figures_of(found) for workers, found in by_workers.items()
    }
    reached = figures.get(f"{quality_page.WORKERS} workers", {}).get("goals", {})
    if given.live:
        figures["live"] = measure_live(given.live_seeds)
    harness.report(given, figures, goals.are_met(reached))


if __name__ == "__main__":
    main()
