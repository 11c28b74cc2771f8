"""How much of a front is found in equal training.

    python -m benchmarks.front_quality [--quick] [--check] [--seeds 5] [--trainings 15 40]

Two objectives of computed learning curves, as in ZDT1 (Zitzler, Deb and Thiele 2000), with
five hyperparameters: a loss that falls with each epoch, and a size that does not change.
All searches may train for the same number of epochs. What counts is the hypervolume of the
points that they publish, as a share of that of the true front: the median of the seeds.

The goal: with each budget, the search "auto" leaves at most half as much uncovered as the
best of the others.
"""

import argparse
import functools
import itertools
import os
import statistics
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras_tuner
import optuna

from benchmarks import harness
from tuner_component.oracles import AutoOracle, OptunaOracle
from tuner_component.report.loading import load_study
from tuner_component.search.epochs import Decision
from tuner_component.search.options import SearchOptions, StoppingOptions
from tuner_component.search.oracle import aims
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.study.study import Study

EPOCHS = 27
_DIMENSIONS = 5
_MANY = 10_000
_ASHA = StoppingOptions("asha")
# What "auto" leaves uncovered, beside the best of the others.
_GOAL = 0.5
# What is worse than this in an objective covers nothing.
_WORST = (4.0, 1.1)
SEARCHES: Mapping[str, tuple[str, StoppingOptions | None]] = {
    "auto": ("auto", None),
    "tpe, ASHA": ("tpe", _ASHA),
    "tpe": ("tpe", None),
    "NSGA-II, ASHA": ("nsga2", _ASHA),
    "NSGA-II": ("nsga2", None),
    "random, ASHA": ("kerastuner", _ASHA),
    "random": ("kerastuner", None),
}


def curve(values: Mapping[str, float]) -> list[dict[str, float]]:
    """A trial's metrics by epoch."""
    x, *others = values.values()
    rough = 1 + 4 * statistics.fmean(others)
    loss = rough * (1 - (x / rough) ** 0.5)
    return [
        {"loss": loss + 2 * rough / (epoch + 2) ** 1.2, "size": x}
        for epoch in range(EPOCHS)
    ]


def covered(points: Iterable[tuple[float, float]]) -> float:
    """The hypervolume of points of two objectives, up to the worst ones that count."""
    area, lowest = 0.0, _WORST[0]
    for loss, size in sorted(points, key=lambda point: point[1]):
        if size < _WORST[1] and loss < lowest:
            area += (lowest - loss) * (_WORST[1] - size)
            lowest = loss
    return area


@functools.cache
def best_possible() -> float:
    """The hypervolume of the true front."""
    names = [f"x{number}" for number in range(_DIMENSIONS)]
    front = []
    for step in range(2001):
        last = curve(dict.fromkeys(names, 0.0) | {"x0": step / 2000})[-1]
        front.append((last["loss"], last["size"]))
    return covered(front)


def search(name: str, epochs: int, seed: int, directory: str) -> float:
    """Runs a search until it has trained for so many epochs; returns its hypervolume."""
    kind, stopping = SEARCHES[name]
    options, saved, trained = SearchOptions(pareto=True, stopping=stopping), {}, 0
    with Study.open(directory, {"search": name}, seed=seed) as study:
        oracle = _oracle(kind, seed)
        goals = aims.take_up(oracle, options)
        curves = LearningCurves.of(stopping, oracle, goals)
        durable: Any = DurableOracle.open(oracle, study, epochs=curves)
        while (
            trained < epochs
            and (trial := durable.create_trial("w")).status == "RUNNING"
        ):
            trained += _train(durable, trial, saved)
            durable.commit()
    return covered(
        (trial.metrics["loss"], trial.metrics["size"])
        for trial in load_study(directory).completed
    )


def _train(durable: Any, trial: Any, saved: dict[str, int]) -> int:
    """Trains a trial as far as it goes now; returns for how many epochs."""
    trial_id, metrics = trial.trial_id, curve(trial.hyperparameters.values)
    begin, epoch = saved.get(trial_id, 0), 0
    decision = Decision.GO_ON
    for epoch, told in enumerate(metrics):
        at = (trial_id, 0, epoch)
        decided = epoch < begin or epoch + 1 == EPOCHS
        decision = durable.report_epoch(*at, told, decided=decided)
        decision = decision or durable.decide(*at, can_pause=True)
        if decision is not Decision.GO_ON:
            break
    saved[trial_id] = epoch + 1
    if decision is Decision.PAUSE:
        durable.pause_trial(trial_id)
    else:
        score = {"multi_objective": sum(metrics[epoch].values())}
        durable.update_trial(trial_id, {**metrics[epoch], **score}, step=epoch)
        trial.status = "COMPLETED"
        durable.end_trial(trial)
    return epoch + 1 - begin


def _oracle(kind: str, seed: int) -> Any:
    space = keras_tuner.HyperParameters()
    for number in range(_DIMENSIONS):
        space.Float(f"x{number}", 0.0, 1.0)
    common: dict[str, Any] = {
        "objective": ["loss", keras_tuner.Objective("size", "min")],
        "max_trials": _MANY,
        "seed": seed,
        "hyperparameters": space,
    }
    if kind == "auto":
        return AutoOracle(epochs=EPOCHS, **common)
    if kind == "kerastuner":
        return keras_tuner.oracles.RandomSearchOracle(**common)
    nsga2 = optuna.samplers.NSGAIISampler(seed=seed, population_size=20)
    return OptunaOracle(sampler=nsga2 if kind == "nsga2" else kind, **common)


def share_of(case: tuple[str, int, int]) -> float:
    """What a search covers, with so many whole trainings and a seed."""
    name, trainings, seed = case
    with tempfile.TemporaryDirectory() as directory:
        found = search(name, trainings * EPOCHS, seed, str(Path(directory) / "study"))
    return found / best_possible()


def main() -> None:
    """Measures, prints a table and the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--trainings", type=int, nargs="+", default=[15, 40])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time")
    given = parser.parse_args()
    budgets, seeds = ([8], 1) if given.quick else (given.trainings, given.seeds)
    cases = list(itertools.product(SEARCHES, budgets, range(1, seeds + 1)))
    with harness.single_threaded(given.jobs) as pool:
        shares = dict(zip(cases, pool.map(share_of, cases), strict=True))
    print(f"{'search':16}{'trainings':>10}{'median':>8}{'least':>8}{'most':>8}")
    medians: dict[int, dict[str, float]] = {budget: {} for budget in budgets}
    for name, budget in itertools.product(SEARCHES, budgets):
        found = [shares[name, budget, seed] for seed in range(1, seeds + 1)]
        medians[budget][name] = statistics.median(found)
        numbers = (medians[budget][name], min(found), max(found))
        told = "".join(f"{number:8.3f}" for number in numbers)
        print(f"{name:16}{budget:10}{told}")
    figures: dict[str, Any] = {"seeds": seeds}
    for budget, of_budget in medians.items():
        left = {name: 1.0 - share for name, share in of_budget.items()}
        best = min(share for name, share in left.items() if name != "auto")
        figures[f"{budget} trainings"] = {**of_budget, "left": left["auto"] / best}
    met = all(figures[f"{budget} trainings"]["left"] <= _GOAL for budget in budgets)
    harness.report(given, figures, met)


if __name__ == "__main__":
    main()
