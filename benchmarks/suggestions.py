"""Measures how much processor time a suggestion takes, in 8 dimensions.

    python -m benchmarks.suggestions [--quick] [--check] [--vizier HOST:PORT --vizier-pid PID]

Goal: the median is at most 50 ms at 100 trials and 250 ms at 1,000, with the search "auto",
whose trials have 27 epochs or one, and with OptunaOracle's default sampler. What "auto"
decides when a trial has come to a rung counts as well. For comparison (not with --quick), at 100 trials: the sampler "gp", if PyTorch
is installed, and KerasTuner's Bayesian oracle. With --vizier, what an open-source Vizier
service there takes as well, in seconds: on the clock, and of processor time, of its process.
That is what counts on a machine with other work.
"""

import argparse
import importlib.util
import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner import oracles

from benchmarks import harness
from tuner_component.oracles import OptunaOracle, VizierOracle
from tuner_component.planner import Continue, Decision, Planner, Start
from tuner_component.search.kerastuner.repairs import repair
from tuner_component.search.space.dimensions import dimensions

_GOALS_MS = {100: 50.0, 1000: 250.0}
_SUGGESTIONS = 20


def space() -> keras_tuner.HyperParameters:
    """Eight dimensions as in a typical search."""
    hp = keras_tuner.HyperParameters()
    hp.Float("learning_rate", 1e-5, 1e-1, sampling="log")
    hp.Float("weight_decay", 1e-7, 1e-2, sampling="log")
    hp.Float("dropout", 0.0, 0.6)
    hp.Int("units", 16, 512, step=16)
    hp.Int("layers", 1, 6)
    hp.Choice("batch_size", [16, 32, 64, 128])
    hp.Choice("activation", ["relu", "gelu", "tanh"])
    hp.Boolean("norm")
    return hp


def measure(oracle: Any, trials: int, suggestions: int) -> float:
    """The median time of `suggestions` suggestions after `trials` trials, in ms."""
    oracle._set_project_dir(tempfile.mkdtemp(), "search")
    repair(oracle)
    oracle.verbose = 0
    draw = random.Random(0)
    suggest = oracle.populate_space
    # The first trials are drawn at random: their values make no difference here.
    oracle.populate_space = lambda trial_id: {
        "status": "RUNNING",
        "values": {hp.name: hp.random_sample(draw.random()) for hp in space().space},
    }
    for _ in range(trials):
        _run(oracle, draw)
    oracle.populate_space = suggest
    _run(oracle, draw)  # Not counted: it reads all earlier trials, which happens once.
    return statistics.median(_run(oracle, draw) for _ in range(suggestions))


def _run(oracle: Any, draw: random.Random) -> float:
    before = time.process_time()
    trial = oracle.create_trial("tuner")
    took = 1000 * (time.process_time() - before)
    oracle.update_trial(trial.trial_id, {"val_loss": draw.random()})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    return took


def measure_vizier(
    endpoint: str, pid: int, algorithm: str, trials: int, suggestions: int
) -> tuple[float, float]:
    """The median time of a suggestion of a Vizier service's, in seconds.

    Returns:
        On the clock, and of processor time, of the service's process `pid`.
    """
    oracle: Any = VizierOracle(
        keras_tuner.Objective("val_loss", "min"),
        10_000,
        endpoint=endpoint,
        algorithm=algorithm,
        hyperparameters=space(),
        seed=1,
    )
    oracle._set_project_dir(tempfile.mkdtemp(), "search")
    repair(oracle)
    oracle.verbose = 0
    draw = random.Random(0)

    def run() -> tuple[float, float]:
        before, spent = time.monotonic(), _processor_time(pid)
        while (trial := oracle.create_trial("tuner")).status != "RUNNING":
            pass
        took = time.monotonic() - before, _processor_time(pid) - spent
        oracle.update_trial(trial.trial_id, {"val_loss": draw.random()})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
        oracle.committed()
        return took

    suggest = oracle.populate_space
    oracle.populate_space = lambda trial_id: {
        "status": "RUNNING",
        "values": {hp.name: hp.random_sample(draw.random()) for hp in space().space},
    }
    for _ in range(trials):
        run()
    oracle.populate_space = suggest
    run()  # Not counted: the service hears of all earlier trials, and compiles its model.
    took = [run() for _ in range(suggestions)]
    oracle.concluded()
    clock, processor = zip(*took, strict=True)
    return statistics.median(clock), statistics.median(processor)


def _processor_time(pid: int) -> float:
    """What a process has used, in seconds; 0 if it is not known."""
    if not pid:
        return 0.0
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def measure_auto(epochs: int, trials: int, suggestions: int) -> float:
    """The median time of what "auto" decides about a trial, after `trials` trials, in ms.

    They have paused after their first epoch, or ended with it if it is the only one.
    """
    planner = Planner(dimensions(space().space), epochs=epochs, max_trials=10_000)
    draw = random.Random(0)
    for number in range(trials):
        values = {hp.name: hp.random_sample(draw.random()) for hp in space().space}
        planner.start(number, values)
        planner.observe(number, 1, draw.random())
        _leave(planner, number, paused=epochs > 1)
    rungs = [count for count in range(1, epochs + 1) if planner.is_rung(count)]
    reached = dict.fromkeys(range(trials), 1)

    def decide() -> float:
        before = time.process_time()
        step = planner.next()
        took = time.process_time() - before
        if isinstance(step, Continue):
            number = step.trial
            planner.resume(number)
        elif isinstance(step, Start):
            number = len(reached)
            planner.start(number, step.values)
        else:
            raise RuntimeError(f"Expected a trial. Received: {step}.")
        for rung in rungs:
            if rung <= reached.get(number, 0):
                continue
            reached[number] = rung
            before = time.process_time()
            decision = planner.after_epoch(number, rung, draw.random())
            took += time.process_time() - before
            if decision is Decision.PAUSE:
                break
        _leave(planner, number, paused=reached[number] < epochs)
        return 1000 * took

    decide()  # Not counted: it learns the parameters from all of them.
    return statistics.median(decide() for _ in range(suggestions))


def _leave(planner: Planner, number: int, paused: bool) -> None:
    if paused:
        planner.pause(number)
    else:
        planner.end(number, whole=True)


def main() -> None:
    """Measures and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--vizier", metavar="HOST:PORT")
    parser.add_argument("--vizier-pid", type=int, default=0, help="its process")
    arguments = parser.parse_args()
    common: dict[str, Any] = {
        "objective": keras_tuner.Objective("val_loss", "min"),
        "max_trials": 10_000,
        "seed": 1,
    }
    figures = {}
    for trials in _GOALS_MS:
        oracle = OptunaOracle(hyperparameters=space(), **common)
        figures[f"tpe_{trials}_trials_ms"] = measure(oracle, trials, _SUGGESTIONS)
        figures |= {
            f"auto_{epochs}_epochs_{trials}_trials_ms": measure_auto(
                epochs, trials, _SUGGESTIONS
            )
            for epochs in (1, 27)
        }
    met = all(
        took <= goal
        for trials, goal in _GOALS_MS.items()
        for name, took in figures.items()
        if f"_{trials}_trials" in name
    )
    if not arguments.quick:
        if importlib.util.find_spec("torch") is not None:
            oracle = OptunaOracle(sampler="gp", hyperparameters=space(), **common)
            figures["gp_100_trials_ms"] = measure(oracle, 100, 5)
        oracle = oracles.BayesianOptimizationOracle(hyperparameters=space(), **common)
        figures["keras_tuner_bayesian_100_trials_ms"] = measure(oracle, 100, 5)
    if arguments.vizier:
        for name in ("RANDOM_SEARCH", "EAGLE_STRATEGY", "DEFAULT"):
            for trials in (20, 100):
                clock, processor = measure_vizier(
                    arguments.vizier, arguments.vizier_pid, name, trials, 5
                )
                what = f"vizier_{name.lower()}_{trials}_trials"
                figures |= {f"{what}_s": clock, f"{what}_processor_s": processor}
    harness.report(arguments, figures, met)


if __name__ == "__main__":
    main()
