"""Measures how fast trials run in parallel, and what running them in processes costs.

Goals:

- `simulated`: trials of 1 s that take no processor time, on 16 workers: 320 of them
  (with `--full` 10,000) take at most 5 % more than the ideal 20 s (625 s), from the
  start of the first trial to the end of the last; with `--full`, including start-up.
  Bookkeeping takes at most 3 ms of the driver's time per trial.
- `readiness`: the first worker is ready at most 1.5 s after a bare interpreter has
  imported the same modules; each further one within 1.5 s.
- `training`: the example's search, with trials of over 5 s, by the component's executor
  with 2 workers on 2 cores finishes at least 1.8 times as fast as in process, including
  the workers' start. Also shown: what two bare loops gain, because two cores of a
  virtual machine may compute less than twice as much as one. `--quick` skips it.

    python -m benchmarks.parallel [--quick | --full] [--check] [--only SECTION]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import harness
from tuner_component.search import events
from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel.local import launch
from tuner_component.search.parallel.protocol import EntryPoint

_Times = list[dict[str, float]]


def search(
    tuner: str,
    settings: dict[str, Any],
    options: SearchOptions,
    observer: events.Observer | None = None,
) -> tuple[float, float, _Times]:
    """Runs a search on a new study.

    Args:
        tuner: Which of `parallel_tuners`.
        settings: Its settings.
        options: How to search.
        observer: Told what happens.

    Returns:
        When it was called, when it returned, and the start and end of each trial.
    """
    with tempfile.TemporaryDirectory() as directory:
        times = Path(directory, "times")
        settings = {**settings, "directory": f"{directory}/work", "times": str(times)}
        called = time.time()
        result = launch.run_parallel(
            EntryPoint(f"benchmarks.parallel_tuners:{tuner}", encoded(settings)),
            f"{directory}/study",
            {"benchmark": tuner},
            options,
            preload=["benchmarks.parallel_tuners"],
            observer=observer,
        )
        returned = time.time()
        assert len(result.completed) == settings["trials"]
        return called, returned, read_times(times)


def simulated(arguments: argparse.Namespace) -> dict[str, Any]:
    """Trials of 1 s that use no processor time."""
    workers = 16
    trials = 10_000 if arguments.full else 160 if arguments.quick else 320
    called, returned, times = search(
        "simulated",
        {"trials": trials, "seconds": 1.0},
        SearchOptions(num_workers=workers, seed=1),
    )
    ideal = trials / workers
    seconds = max(t["ended"] for t in times) - min(t["began"] for t in times)
    total = returned - called
    over = (total if arguments.full else seconds) / ideal - 1
    return {
        "trials": trials,
        "ideal_s": ideal,
        "search_s": seconds,
        "total_s": total,
        "over_ideal": over,
        "gap_between_trials_ms": gaps_ms(times),
        "met": over <= 0.05,
    }


def readiness(arguments: argparse.Namespace) -> dict[str, Any]:
    """Workers that are replaced after every trial, with a tuner of Keras models."""
    trials = 3 if arguments.quick else 6
    modules = "benchmarks.parallel_tuners, tuner_component.search.parallel.driver.main"
    started = time.time()
    subprocess.run([sys.executable, "-c", f"import {modules}"], check=True)
    imports = time.time() - started
    called, _, times = search(
        "training",
        {"trials": trials, "epochs": 1},
        SearchOptions(num_workers=1, max_trials_per_worker=1, seed=1),
    )
    times.sort(key=lambda t: t["began"])
    first = times[0]["began"] - called
    further = _differences([t["ended"] for t in times], [t["began"] for t in times[1:]])
    return {
        "imports_s": imports,
        "first_worker_s": first,
        "further_workers_s": further,
        "met": first <= imports + 1.5 and max(further) <= 1.5,
    }


def training(arguments: argparse.Namespace) -> dict[str, Any]:
    """The example's search by the component's executor, with two workers and with none."""
    trials = 8  # as many as the example has
    runs: dict[int, list[dict[str, Any]]] = {0: [], 2: []}
    gains = []
    with tempfile.TemporaryDirectory() as directory:
        _penguin_search("prepare", directory)
        for _ in range(3):
            gains.append(_gain_of_second_core())
            for workers, found in runs.items():
                options = ["--workers", str(workers), "--trials", str(trials)]
                found.append(json.loads(_penguin_search("search", directory, *options)))
    in_process, parallel = (
        [found["seconds"] for found in runs[workers]] for workers in runs
    )
    speedup = statistics.median(in_process) / statistics.median(parallel)
    return {
        "trials": trials,
        "trial_in_process_s": statistics.median(in_process) / trials,
        "in_process_s": in_process,
        "two_workers_s": parallel,
        "speedup": speedup,
        "bare_loops": gains,
        "same_scores": all(
            found["scores"] == runs[0][0]["scores"] for found in runs[0] + runs[2]
        ),
        "met": speedup >= 1.8,
    }


def _gain_of_second_core() -> float:
    """How many times as much two processes compute as one: 2 with two real cores."""
    loop = [sys.executable, "-c", "for i in range(60_000_000): i * i"]
    seconds = []
    for count in (1, 2):
        began = time.monotonic()
        running = [subprocess.Popen(loop) for _ in range(count)]
        for process in running:
            process.wait()
        seconds.append(time.monotonic() - began)
    alone, together = seconds
    return 2 * alone / together


def _penguin_search(*arguments: str) -> str:
    """Runs `benchmarks.penguin_search`; returns the last line that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.penguin_search", *arguments],
        check=True,
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return done.stdout.splitlines()[-1] if done.stdout else ""


SECTIONS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "simulated": simulated,
    "readiness": readiness,
    "training": training,
}


def encoded(settings: dict[str, Any]) -> bytes:
    """The settings of a tuner of `parallel_tuners`, as its entry point takes them."""
    return json.dumps(settings).encode()


def read_times(times: Path) -> _Times:
    """The start and end of each trial."""
    return [json.loads(line) for line in times.read_text().splitlines()]


def gaps(times: _Times) -> list[float]:
    """Seconds between one trial and the next of the same worker."""
    gaps: list[float] = []
    for pid in {t["pid"] for t in times}:
        own = sorted((t for t in times if t["pid"] == pid), key=lambda t: t["began"])
        gaps += _differences([t["ended"] for t in own], [t["began"] for t in own[1:]])
    return gaps


def gaps_ms(times: _Times) -> dict[str, float]:
    """The gaps in milliseconds: the median, and what all but 1 % stay below."""
    between = sorted(gaps(times))
    return {
        "median": 1e3 * statistics.median(between),
        "p99": 1e3 * between[int(len(between) * 0.99)],
    }


def _differences(ended: list[float], began: list[float]) -> list[float]:
    return [after - before for before, after in zip(ended, began, strict=False)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument(
        "--full", action="store_true", help="run 10,000 simulated trials"
    )
    parser.add_argument("--only", choices=SECTIONS, help="measure only this section")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    figures: dict[str, Any] = {}
    for name, section in SECTIONS.items():
        # The pipeline before the Tuner alone takes most of the minute of --quick.
        if arguments.only == name or (
            arguments.only is None and not (arguments.quick and name == "training")
        ):
            figures[name] = section(arguments)
            print(f"{name}: {json.dumps(figures[name])}", flush=True)
    met = all(figure["met"] for figure in figures.values())
    harness.report(arguments, figures, met)


if __name__ == "__main__":
    main()
