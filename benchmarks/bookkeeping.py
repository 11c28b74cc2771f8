"""Measures what a study costs per trial, and how long a large one takes to reopen.

Goal: to create, update and end a trial, with two durable writes, takes at most 3 ms
(median) from the first trial to the 10,000th; to open a study of 10,000 trials again and
restore its oracle takes less than 2 s. Imports are not counted. For comparison: the
oracle's own share of the time (`oracle_ms`: KerasTuner's code with its search algorithm,
without its files), how long the disk takes for a durable new file, and what KerasTuner's
own bookkeeping costs, which grows with the number of trials.

    python -m benchmarks.bookkeeping [--quick] [--check] [--directory DIR]
"""

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner import oracles

from benchmarks import harness
from tuner_component.search.kerastuner.repairs import repair
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.storage import files
from tuner_component.search.study.study import Study

FINGERPRINT = {"benchmark": "bookkeeping"}
PER_TRIAL_GOAL_MS = 3.0
RELOAD_GOAL_S = 2.0
# The medians are taken over this many trials at the start and at the end of a search.
SAMPLE = 200


def space() -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.Float("learning_rate", 1e-5, 1e-1, sampling="log")
    hp.Int("layers", 1, 8)
    hp.Int("units", 8, 512)
    hp.Choice("activation", ["relu", "tanh", "gelu"])
    hp.Float("dropout", 0.0, 0.5)
    hp.Boolean("batch_normalization")
    return hp


def oracle(kind: str, trials: int) -> keras_tuner.Oracle:
    common: dict[str, Any] = {
        "objective": keras_tuner.Objective("score", "min"),
        "hyperparameters": space(),
        "seed": 1,
    }
    if kind == "random":
        return oracles.RandomSearchOracle(max_trials=trials, **common)
    return oracles.HyperbandOracle(
        max_epochs=100, hyperband_iterations=1 + trials // 200, **common
    )


def run_trial(oracle: Any) -> float:
    """Runs a trial that trains nothing; returns its bookkeeping in seconds."""
    begin = time.perf_counter()
    trial = oracle.create_trial("worker")
    values = trial.hyperparameters.values
    oracle.update_trial(trial.trial_id, {"score": values["learning_rate"]})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    return time.perf_counter() - begin


def median_ms(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1e3


def measure(kind: str, trials: int, directory: Path) -> dict[str, float]:
    """Cost per trial at the start and the end of a search, and the time to reopen it."""
    with Study.open(str(directory), FINGERPRINT, seed=1) as study:
        durable = DurableOracle.open(oracle(kind, trials), study)
        seconds = [run_trial(durable) for _ in range(trials)]
    begin = time.perf_counter()
    with Study.open(str(directory), FINGERPRINT) as study:
        again = DurableOracle.open(oracle(kind, trials), study)
        reload_s = time.perf_counter() - begin
        assert len(again.end_order) == trials
    alone = oracle(kind, trials)
    repair(alone)  # It writes no files, and does not look through all trials.
    own = [run_trial(alone) for _ in range(trials)]
    return {
        "first_ms": median_ms(seconds[:SAMPLE]),
        "last_ms": median_ms(seconds[-SAMPLE:]),
        "first_oracle_ms": median_ms(own[:SAMPLE]),
        "last_oracle_ms": median_ms(own[-SAMPLE:]),
        "worst_ms": max(seconds) * 1e3,
        "reload_s": reload_s,
        "journal_mb": sum(p.stat().st_size for p in directory.rglob("*.jsonl")) / 1e6,
    }


def measure_kerastuner(trials: int, directory: Path) -> dict[str, float]:
    """The same for KerasTuner alone, which makes nothing durable."""
    stock = oracle("random", trials)
    stock._set_project_dir(str(directory), "stock")
    stock.verbose = 0
    seconds = [run_trial(stock) for _ in range(trials)]
    return {"first_ms": median_ms(seconds[:50]), "last_ms": median_ms(seconds[-50:])}


def durable_write_ms(directory: Path) -> float:
    def once(number: int) -> float:
        begin = time.perf_counter()
        files.write_bytes(str(directory / str(number)), b"x" * 500)
        return time.perf_counter() - begin

    return median_ms([once(number) for number in range(SAMPLE)])


def in_directory(parent: str | None, work: Callable[[Path], Any]) -> Any:
    with tempfile.TemporaryDirectory(dir=parent) as directory:
        return work(Path(directory))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--directory", help="a directory on the disk to measure")
    arguments = parser.parse_args()
    # This is the driver's work; the fork server does the same before it forks the driver.
    gc.collect()
    gc.freeze()
    trials = 1_000 if arguments.quick else 10_000
    where = arguments.directory
    figures = {
        "trials": trials,
        "load_average": os.getloadavg()[0],
        "durable_write_ms": in_directory(where, durable_write_ms),
        "random": in_directory(where, lambda d: measure("random", trials, d)),
        "hyperband": in_directory(where, lambda d: measure("hyperband", trials, d)),
        "kerastuner_1000": in_directory(where, lambda d: measure_kerastuner(1_000, d)),
    }
    searches = [figures["random"], figures["hyperband"]]
    met = all(
        max(search["first_ms"], search["last_ms"]) <= PER_TRIAL_GOAL_MS
        and search["reload_s"] < RELOAD_GOAL_S
        for search in searches
    )
    harness.report(arguments, figures, met)


if __name__ == "__main__":
    main()
