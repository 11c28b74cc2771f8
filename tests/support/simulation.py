"""Searches with trials that cost nothing: the objective is computed from the values."""

import contextlib
import functools
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import keras_tuner
import scipy.optimize
from keras_tuner import oracles

from tuner_component.oracles import AutoOracle, OptunaOracle
from tuner_component.search.options import RetryOptions
from tuner_component.search.oracle import trial_limit
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.fingerprint import study_id
from tuner_component.search.study.history import History
from tuner_component.search.study.history_reading import read_history
from tuner_component.search.study.study import Study

OBJECTIVE = keras_tuner.Objective("score", "min")
FINGERPRINT = {"module": "simulation"}


def space(*, dimensions: int = 2) -> keras_tuner.HyperParameters:
    """A small space with a continuous, a discrete and a conditional part."""
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
    if dimensions > 1:
        hp.Choice("kind", ["flat", "deep"])
    if dimensions > 2:
        with hp.conditional_scope("kind", ["deep"]):
            hp.Int("layers", 1, 3)
    return hp


def grid_space() -> keras_tuner.HyperParameters:
    """A space with eight points, some of which exist only for one kind of model."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["flat", "deep"])
    with hp.conditional_scope("kind", ["deep"]):
        hp.Int("layers", 1, 3)
    hp.Boolean("norm")
    return hp


class CountingOracle(keras_tuner.Oracle):
    """Overrides only `populate_space`, and keeps what it needs in plain attributes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.asked = 0
        self.history: list[tuple[int, str]] = []

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        self.asked += 1
        self.history.append((self.asked, trial_id))
        rate = 0.1 / (self.asked + len(self.history))
        return {"status": "RUNNING", "values": {"rate": rate, "kind": "flat"}}


class StatefulOracle(keras_tuner.Oracle):
    """Keeps KerasTuner's contract: `get_state` returns everything, under own names."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._step = {"n": 0}

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        self._step["n"] += 1
        rate = 0.1 / self._step["n"]
        return {"status": "RUNNING", "values": {"rate": rate, "kind": "deep"}}

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "saved": dict(self._step)}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self._step = state["saved"]


def oracle(kind: str) -> keras_tuner.Oracle:
    """A seeded oracle for a search of about a dozen trials."""
    common: dict[str, Any] = {"objective": OBJECTIVE, "seed": 11}
    if kind == "random":
        return oracles.RandomSearchOracle(
            max_trials=8, hyperparameters=space(dimensions=3), **common
        )
    if kind == "grid":
        return oracles.GridSearchOracle(hyperparameters=grid_space(), **common)
    if kind == "hyperband":
        return oracles.HyperbandOracle(
            max_epochs=4, factor=2, hyperparameters=space(dimensions=3), **common
        )
    if kind == "bayesian":
        return oracles.BayesianOptimizationOracle(
            max_trials=6, num_initial_points=4, hyperparameters=space(), **common
        )
    if kind == "optuna":  # Its first ten points are drawn at random.
        return OptunaOracle(
            max_trials=13, hyperparameters=space(dimensions=3), **common
        )
    if kind == "auto":
        return AutoOracle(
            max_trials=12, epochs=9, hyperparameters=space(dimensions=3), **common
        )
    custom = {"counting": CountingOracle, "stateful": StatefulOracle}[kind]
    return custom(max_trials=8, hyperparameters=space(), **common)


KINDS = (
    "random",
    "grid",
    "hyperband",
    "bayesian",
    "counting",
    "stateful",
    "optuna",
    "auto",
)


def objective(values: dict[str, Any]) -> float:
    """A score that depends on every value; more epochs of Hyperband improve it."""
    score = abs(math.log10(values.get("rate", 1e-3)) + 2.5)
    score += 0.3 * (values.get("kind") == "deep") + 0.1 * values.get("layers", 0)
    return score + 0.05 * values.get("norm", 0) + 1 / values.get("tuner/epochs", 1)


def run_trial(durable: Any, trial: Any, *, discover: bool = False) -> None:
    """Runs a trial as a worker would: reports its metrics, then its end."""
    values = trial.hyperparameters.values
    if discover:
        # A hyperparameter that was not declared, found while the model is built.
        trial.hyperparameters.Choice("late", [1, 2])
    durable.update_trial(trial.trial_id, {"score": objective(values)})
    trial.status = "COMPLETED"
    durable.end_trial(trial)


@contextlib.contextmanager
def one_step() -> Iterator[None]:
    """SciPy goes one step from each of the points where it begins to optimize.

    A suggestion by the model of a Bayesian search takes a second otherwise; it still
    depends on all that the model knows, and on where it begins.
    """
    quick = functools.partial(scipy.optimize.minimize, options={"maxiter": 1})
    patch = mock.patch.object(scipy.optimize, "minimize", quick)
    with patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It has not converged.
        yield


@one_step()
def search(
    directory: str,
    kind: str,
    *,
    discover: bool = False,
    max_trials: int | None = None,
    retry: RetryOptions | None = None,
    **kwargs: Any,
) -> None:
    """Runs a whole search on a study, or the rest of one."""
    wanted: Any = {"max_trials": max_trials, "retry": retry}
    with Study.open(directory, FINGERPRINT, seed=1, **wanted) as study:
        made = oracle(kind)
        trial_limit.set_limit(made, max_trials)
        durable = DurableOracle.open(made, study, **kwargs)
        while (trial := durable.create_trial("worker")).status == "RUNNING":
            run_trial(durable, trial, discover=discover)
            durable.commit()
        assert trial.status == "STOPPED"
        durable.finish()


@one_step()
def search_in_parallel(
    directory: str, kind: str, workers: int = 3, *, discover: bool = False
) -> None:
    """The same with parallel trials, whose ends are committed together."""
    with Study.open(directory, FINGERPRINT, seed=1) as study:
        durable = DurableOracle.open(oracle(kind), study, autocommit=False)
        running: dict[str, Any] = {}
        while True:
            for worker in (f"w{n}" for n in range(workers)):
                if worker not in running:
                    trial = durable.create_trial(worker)
                    if trial.status == "RUNNING":
                        running[worker] = trial
            durable.commit()
            if not running:
                break
            # All but the latest: the next round starts with a running trial.
            for worker in sorted(running)[: max(1, len(running) - 1)]:
                run_trial(durable, running.pop(worker), discover=discover)
        durable.finish()


def search_some(directory: str, kind: str, *, trials: int) -> None:
    """Starts a search and ends `trials` trials; an odd number leaves one more running."""
    with Study.open(directory, FINGERPRINT, seed=1) as study:
        durable = DurableOracle.open(oracle(kind), study)
        for _ in range(trials):
            run_trial(durable, durable.create_trial("worker"))
        if trials % 2:
            durable.create_trial("worker")


class Opened:
    """Opens a study again and again, as run after run of one search would."""

    def __init__(self, directory: Path) -> None:
        self.directory = str(directory)
        self.study: Study | None = None

    def __call__(self, kind: str = "random", **kwargs: Any) -> Any:
        return self.wrap(oracle(kind), **kwargs)

    def wrap(self, oracle: keras_tuner.Oracle, **kwargs: Any) -> Any:
        self.close()
        self.study = Study.open(self.directory, FINGERPRINT, seed=1)
        return DurableOracle.open(oracle, self.study, **kwargs)

    def close(self) -> None:
        if self.study is not None:
            self.study.close()


def fail(durable: Any, trial: Any, message: str = "Traceback: boom") -> None:
    """Ends a trial as failed."""
    trial.status, trial.message = "FAILED", message
    durable.end_trial(trial)


def end(durable: Any, trial: Any, score: float) -> None:
    """Ends a trial with a score."""
    durable.update_trial(trial.trial_id, {"score": score})
    trial.status = "COMPLETED"
    durable.end_trial(trial)


def waiting(durable: Any) -> list[str]:
    """Ids of the trials that the next calls of `create_trial` will hand out."""
    return list(durable._open.waiting)


def unfinished(durable: Any) -> list[str]:
    """Ids of the trials that were created and have not ended: waiting, then running."""
    running = [trial.trial_id for trial in durable.ongoing_trials.values()]
    return [*waiting(durable), *running]


def read(directory: str) -> History:
    """What the journal of an open study records."""
    return read_history(directory, study_id(FINGERPRINT))


def history(directory: str) -> History:
    """What a study's journal records, after its damage is repaired."""
    Study.open(directory, FINGERPRINT).close()
    return read(directory)


def results(directory: str) -> dict[str, tuple[Any, ...]]:
    """The outcome of a finished search: each trial's values and score."""
    return {
        trial_id: (trial.values, trial.ended and trial.ended["score"])
        for trial_id, trial in history(directory).trials.items()
    }
