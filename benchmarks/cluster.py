"""Measures what a search costs on a Ray cluster, beside Ray Tune on the same one.

Goals:

- `simulated`: trials of 1 s that take no processor time, on 16 places of 4 nodes: 320 of
  them (`--quick`: 160) take at most 5 % more than the ideal 20 s, from the start of the
  first to the end of the last; the driver's bookkeeping takes at most 3 ms of processor
  time for each; the first starts at most 3 s after the first place is open, which is when
  its node has imported what workers need. How long that took is `until_place_s`. All
  figures are medians of three searches; what varies most is shown of each, as `runs`.
- `ten_thousand`: the same with 10,000 trials, one search; only with `--full` (eleven
  minutes).
- `ray_tune`: the trials of `simulated` by Ray Tune, on the same nodes (see `ray_tune.py`
  for how it is set up), which begin when all of its actors have started. No goal of ours.
- `growth`: the driver with 16, 64 and 256 workers, which a process simulates, whose trials
  are so long that 16 end in each second (`--quick`: 16 workers, 32 in each second): at
  most 3 ms of bookkeeping for each. Medians of three searches.
- `training`: 2 workers on 2 nodes train Keras models, at most 5 % slower than 2 workers on
  this machine, from the start of the first trial to the end of the last.

`--quick` measures `growth` alone, which needs no cluster: to start one takes longer than a
minute where all nodes share few cores.

What the driver costs is told as a whole, `driver_cpu_ms_per_trial`: all processor time of its
process from the first trial's start, with the start of the other workers and all that it
does by the clock (`driver_cpu_ms_per_further_trial` counts from when each worker has had a
trial). Beside it are its parts (see `driver_cost.py`):

- `oracle_thread`: the oracle, the journal with its commits, and the trials' clean-up.
- `dispatching`: who gets which trial, and about retries.
- `messages`: the rest of the main thread. It waits for all connections, receives, checks and
  sends messages, hears heartbeats, and tells the executor what happens.
- `other_threads`: signs of life to the executor, and whatever else there might be. Ray has
  no thread in the driver: see `broker_cpu_ms_per_trial`.

The goal of 3 ms is for the first two, `bookkeeping_ms_per_trial`, on real nodes and on
simulated ones: this is what a search costs because it decides what to run, and because it
loses nothing. It is what can grow with the trials and with the oracle, and what trials wait
for one after the other. What a message costs depends on how many a trial sends, on how busy
the machine is, and not on the search; it has no goal of its own, and the whole is shown so
that nobody takes a part for it. (Until there were parts, the goal was for the whole, and was
missed.) On real nodes there are more messages than on simulated ones: nodes send what
trials print, too. And where the workers of all nodes keep the same few cores busy, all of
this takes longer, since the caches are cold.

Without `--address` it starts a cluster of its own, which takes half a minute or more and is
not part of any figure but `cluster_start_s`. At an address there must be the 16 places, and
for `training` two nodes with the resource `pair`:

    ray start --address=HEAD:6379 --num-cpus=4 --resources='{"pair": 1}'

Ray Tune needs the packages fsspec and tensorboardX, and beside TFX 1.16 the variable
RAY_DISABLE_PYARROW_VERSION_CHECK=1 on all nodes. Where all nodes are one machine with few
cores, they also need RAY_worker_register_timeout_seconds=600: Ray ends a worker that has
not come up in 60 seconds and starts it anew, and sixteen that import Ray at once may never
come up. The machines have one filesystem. All nodes being this machine, `simulated` has 16
worker processes and 4 fork servers on its cores, beside Ray's own.

A section that takes longer than its limit is ended, and has missed its goal, as one that
fails has; the others are measured all the same. Nothing stays but what is printed.

    python -m benchmarks.cluster [--quick | --full] [--check] [--only SECTION]
                                 [--address HOST:PORT]
"""

import argparse
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import driver_cost, harness, ray_nodes
from benchmarks.parallel import gaps, gaps_ms, read_times, search
from tuner_component.search import events
from tuner_component.search.machine import posix
from tuner_component.search.options import Cluster, SearchOptions
from tuner_component.search.parallel.local import where

WORKERS = 16
OVERHEAD_GOAL = 0.05
BOOKKEEPING_GOAL_MS = 3.0
FIRST_TRIAL_GOAL_S = 3.0
RUNS = 3
FULL_TRIALS = 10_000
_BROKER = re.compile(rb"(broker\.serve_descriptor|simulated_cluster\.serve)\(\d+\)")


class _Watch:
    """An observer that looks at the driver's processor time, and when there was a place."""

    def __init__(self, workers: int = WORKERS) -> None:
        self.first_place: float | None = None
        self.began: dict[str, float] = {}
        self.all_run: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self._workers = workers
        self._started = 0
        self._directory = tempfile.TemporaryDirectory()
        self.told = Path(self._directory.name, "told")

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.PlacesChanged) and event.open:
            self.first_place = self.first_place or time.time()
        elif isinstance(event, events.TrialStarted):
            self._started += 1
            if self._started == 1:
                self.began = self._spent()
            elif self._started == self._workers + 1:
                self.all_run = self._spent()
        elif isinstance(event, events.TrialEnded):
            self.ended = self._spent()

    def _spent(self) -> dict[str, float]:
        driver, broker = _processes()
        broker_s = driver_cost.cpu_s(f"/proc/{broker}")
        return {**driver_cost.spent(driver, self.told), "broker": broker_s}

    def cpu(self, what: str) -> float:
        """Seconds of processor time while there were trials: see `driver_cost.spent`."""
        return self.ended[what] - self.began[what]

    def driver_ms(self, trials: int) -> dict[str, Any]:
        """The driver's processor time for each trial, with the workers' start or without."""
        parts = ("oracle_thread", "dispatching", "messages", "other_threads")
        ms = {part: 1e3 * self.cpu(part) / trials for part in parts}
        further = self.ended["driver"] - self.all_run["driver"]
        return {
            "bookkeeping_ms_per_trial": ms["oracle_thread"] + ms["dispatching"],
            "driver_cpu_ms_per_trial": 1e3 * self.cpu("driver") / trials,
            "driver_cpu_ms_per_further_trial": 1e3 * further / (trials - self._workers),
            "parts_ms_per_trial": ms,
        }


def _processes() -> tuple[int, int]:
    """The driver and the broker: both are the fork server's.

    A cluster that was started here has processes with two children each, too.
    """
    for server in posix.children(os.getpid()):
        for broker in posix.children(server):
            if _BROKER.search(_command(broker)):
                # The driver is a copy of the fork server.
                mine = _command(server)
                (driver,) = (c for c in posix.children(server) if _command(c) == mine)
                return driver, broker
    raise RuntimeError("Expected a driver with its broker. Received: none.")


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _search(
    tuner: str,
    settings: dict[str, Any],
    options: SearchOptions,
    watch: _Watch | None = None,
) -> dict[str, Any]:
    """Runs a search on a new study; returns what is known of its trials' times."""
    if watch is not None:
        settings = {**settings, "driver_tells": str(watch.told)}
    called, _, times = search(tuner, settings, options, watch)
    return {"called": called, **_summary(times)}


def _summary(times: list[dict[str, float]]) -> dict[str, Any]:
    firsts: dict[float, float] = {}
    for time_of in sorted(times, key=lambda t: t["began"]):
        firsts.setdefault(time_of["pid"], time_of["began"])
    return {
        "first": min(t["began"] for t in times),
        "search_s": max(t["ended"] for t in times) - min(t["began"] for t in times),
        "workers_cpu_s": sum(t.get("cpu", 0.0) for t in times),
        "processes": len(firsts),
        "until_all_run_s": max(firsts.values()) - min(firsts.values()),
        "gap_between_trials_ms": {
            **gaps_ms(times),
            "mean": 1e3 * statistics.mean(gaps(times)),
        },
    }


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    """What is told of simulated trials, whoever runs them."""
    names = ("search_s", "processes", "until_all_run_s", "gap_between_trials_ms")
    return {name: found[name] for name in names}


def simulated(arguments: argparse.Namespace, address: str) -> dict[str, Any]:
    """Trials of 1 s that use no processor time."""
    trials = _number(arguments)
    return _judged(_medians([_simulated(trials, address) for _ in range(RUNS)]))


def ten_thousand(arguments: argparse.Namespace, address: str) -> dict[str, Any]:
    """The same, for long enough that something could grow."""
    return _judged(_medians([_simulated(FULL_TRIALS, address)]))


def _simulated(trials: int, address: str) -> dict[str, Any]:
    watch = _Watch()
    options = SearchOptions(num_workers=WORKERS, seed=1, cluster=Cluster(address))
    found = _search("simulated", {"trials": trials, "seconds": 1.0}, options, watch)
    assert watch.first_place is not None
    return {
        "trials": trials,
        "ideal_s": trials / WORKERS,
        "over_ideal": found["search_s"] / (trials / WORKERS) - 1,
        **_shown(found),
        **watch.driver_ms(trials),
        "broker_cpu_ms_per_trial": 1e3 * watch.cpu("broker") / trials,
        "until_place_s": watch.first_place - found["called"],
        "place_to_first_trial_s": found["first"] - watch.first_place,
    }


def _judged(found: dict[str, Any]) -> dict[str, Any]:
    met = (
        found["over_ideal"] <= OVERHEAD_GOAL
        and found["bookkeeping_ms_per_trial"] <= BOOKKEEPING_GOAL_MS
        and found["place_to_first_trial_s"] <= FIRST_TRIAL_GOAL_S
    )
    return {**found, "met": met}


def _medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The median of each figure of several runs, and what varies in each run."""
    names = ("over_ideal", "bookkeeping_ms_per_trial", "driver_cpu_ms_per_trial")
    return {**_median(runs), "runs": {name: [r[name] for r in runs] for name in names}}


def _median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in runs[0].items():
        values = [run[name] for run in runs]
        found[name] = (
            _median(values) if isinstance(value, dict) else statistics.median(values)
        )
    return found


def ray_tune(arguments: argparse.Namespace, address: str) -> dict[str, Any]:
    """The same trials by Ray Tune."""
    trials = _number(arguments)
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "benchmarks.ray_tune", address, directory]
        done = subprocess.run(
            [*command, "--trials", str(trials), "--actors", str(WORKERS)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        told = json.loads(done.stdout.splitlines()[-1])
        found = _summary(read_times(Path(directory, "times")))
    return {
        "trials": trials,
        "ideal_s": trials / WORKERS,
        "over_ideal": found["search_s"] / (trials / WORKERS) - 1,
        **_shown(found),
        "controller_cpu_ms_per_trial": 1e3 * told["cpu_s"] / trials,
        "call_to_first_trial_s": found["first"] - told["called"],
        "met": True,
    }


def growth(arguments: argparse.Namespace, address: str) -> dict[str, Any]:
    """How the driver's cost grows with the workers, which are simulated."""
    per_second = 32 if arguments.quick else 16
    figures = {}
    for workers in (WORKERS,) if arguments.quick else (WORKERS, 64, 256):
        trials = max(_number(arguments), 2 * workers)
        figures[str(workers)] = _medians(
            [_simulated_nodes(workers, trials, per_second) for _ in range(RUNS)]
        )
    most = max(f["bookkeeping_ms_per_trial"] for f in figures.values())
    return {"workers": figures, "met": most <= BOOKKEEPING_GOAL_MS}


def _simulated_nodes(workers: int, trials: int, per_second: int) -> dict[str, Any]:
    seconds = workers / per_second
    watch = _Watch(workers)
    options = SearchOptions(num_workers=workers, seed=1, cluster=Cluster("simulated:1"))
    with _simulated_cluster():
        settings = {"trials": trials, "seconds": seconds}
        found = _search("simulated", settings, options, watch)
    return {
        "trials": trials,
        "trial_s": seconds,
        "over_ideal": found["search_s"] / (trials / per_second) - 1,
        **watch.driver_ms(trials),
        "driver_cpu_share": watch.cpu("driver") / found["search_s"],
    }


@contextlib.contextmanager
def _simulated_cluster() -> Iterator[None]:
    real = where.engine
    where.engine = lambda options: "benchmarks.simulated_cluster:connect"
    try:
        yield
    finally:
        where.engine = real


def training(arguments: argparse.Namespace, address: str) -> dict[str, Any]:
    """Keras models, by two workers here and by two on a node each."""
    pair = Cluster(address, resources_per_trial={ray_nodes.PAIR: 1})
    where = {"local": None, "cluster": pair}
    settings = {"trials": 8, "epochs": 60}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in where}
    for _ in range(3):
        for name, cluster in where.items():
            options = SearchOptions(
                num_workers=2, cpus_per_trial=1, seed=1, cluster=cluster
            )
            runs[name].append(_search("training", settings, options))
    figures: dict[str, Any] = {
        f"{name}_{what}": [run[what] for run in found]
        for what in ("search_s", "workers_cpu_s")
        for name, found in runs.items()
    }
    over, cpu_over = (
        statistics.median(figures[f"cluster_{what}"])
        / statistics.median(figures[f"local_{what}"])
        - 1
        for what in ("search_s", "workers_cpu_s")
    )
    return {
        **settings,
        **figures,
        "over_local": over,
        "cpu_over_local": cpu_over,
        "met": over <= OVERHEAD_GOAL,
    }


def _number(arguments: argparse.Namespace) -> int:
    return 160 if arguments.quick else 320


class _OutOfTime(Exception):
    """A section has taken too long."""


def _limit_s(name: str) -> int:
    """Some times what a section takes, in seconds."""
    return 600 if name in ("ray_tune", "training") else 1200


def _measured(name: str, arguments: argparse.Namespace, address: str) -> dict[str, Any]:
    """What a section has found; or that it has found nothing, and why."""

    def end(*_: Any) -> None:
        raise _OutOfTime(f"ended after {limit} seconds")

    limit = _limit_s(name)
    signal.signal(signal.SIGALRM, end)
    signal.alarm(limit)
    try:
        found = SECTIONS[name](arguments, address)
    except Exception as error:  # noqa: BLE001 - the others are of use
        traceback.print_exc()
        found = {"failed": f"{type(error).__name__}: {error}", "met": False}
    finally:
        signal.alarm(0)
    return {**found, "load_average": os.getloadavg()[0]}


SECTIONS: dict[str, Callable[[argparse.Namespace, str], dict[str, Any]]] = {
    "simulated": simulated,
    "ten_thousand": ten_thousand,
    "ray_tune": ray_tune,
    "growth": growth,
    "training": training,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument(
        "--full", action="store_true", help="also run 10,000 simulated trials"
    )
    parser.add_argument("--only", choices=SECTIONS, help="measure only this section")
    parser.add_argument("--address", help="of a running cluster's head, as host:port")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    chosen = [arguments.only] if arguments.only else list(SECTIONS)
    if arguments.quick and not arguments.only:
        chosen = ["growth"]
    elif not (arguments.full or arguments.only):
        chosen.remove("ten_thousand")
    figures: dict[str, Any] = {"load_average": os.getloadavg()[0]}
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        address = arguments.address
        if address is None and chosen != ["growth"]:
            address = stack.enter_context(ray_nodes.started())
            figures["cluster_start_s"] = time.monotonic() - began
        for name in chosen:
            found = _measured(name, arguments, address or "simulated:1")
            figures[name] = found
            print(f"{name}: {json.dumps(found)}", flush=True)
    met = all(figures[name]["met"] for name in chosen)
    harness.report(arguments, figures, met)


if __name__ == "__main__":
    main()
