"""Repaired oracles are the user's own, less KerasTuner's faults."""

import math
import threading
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
from keras_tuner import oracles
from keras_tuner.src.engine import oracle as oracle_module
from keras_tuner.src.engine.hyperparameters import hp_types

from tests.support import simulation
from tuner_component.search.kerastuner.kerastuner_oracles import (
    FaultTolerantHyperband,
    ResumableBayesian,
)
from tuner_component.search.kerastuner.repairs import lock_released_on_error, repair


def repaired(kind: str, tmp_path: Path) -> Any:
    oracle = simulation.oracle(kind)
    oracle._set_project_dir(str(tmp_path), "project")
    repair(oracle)
    return oracle


def test_oracle_writes_no_files_of_its_own(tmp_path: Path) -> None:
    """Each trial would rewrite the whole search, torn by a crash."""
    oracle = repaired("random", tmp_path)
    trial = oracle.create_trial("w")
    oracle.update_trial(trial.trial_id, {"score": 1.0})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    assert list(tmp_path.rglob("*.json")) == []


def wide_space() -> keras_tuner.HyperParameters:
    """One hyperparameter of each kind, and one that is not always active."""
    space = keras_tuner.HyperParameters()
    space.Float("rate", 1e-4, 1e-1, sampling="log")
    space.Int("units", 8, 64, step=8, default=16)
    space.Choice("kind", ["small", "large"], ordered=False)
    space.Boolean("norm", default=True)
    space.Fixed("depth", 3)
    with space.conditional_scope("kind", ["large"]):
        space.Float("drop", 0.0, 0.5, step=0.1)
    return space


def test_trial_has_the_space_that_kerastuner_gives_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A user's model would be built from other hyperparameters than with KerasTuner."""
    given = {}
    for is_repaired in (False, True):
        oracle = oracles.RandomSearchOracle(
            objective=simulation.OBJECTIVE, hyperparameters=wide_space(), seed=3
        )
        if is_repaired:
            repair(oracle)
        else:
            monkeypatch.setattr(oracle, "save", lambda: None)
            monkeypatch.setattr(oracle, "_save_trial", lambda trial: None)
        given[is_repaired] = oracle.create_trial("w").hyperparameters
    assert type(given[True]) is keras_tuner.HyperParameters
    assert given[True].get_config() == given[False].get_config()
    assert list(given[True]._hps) == list(given[False]._hps)
    for one, other in zip(given[True].space, given[False].space, strict=True):
        assert type(one) is type(other) and one.__dict__.keys() == other.__dict__.keys()
        assert [c.get_config() for c in one.conditions] == [
            c.get_config() for c in other.conditions
        ]
    assert given[True].get("rate") == given[False].get("rate")


def test_trial_shares_nothing_with_the_oracle() -> None:
    """A model that changes its hyperparameters would change those of all trials."""
    oracle = oracles.RandomSearchOracle(
        objective=simulation.OBJECTIVE, hyperparameters=wide_space(), seed=3
    )
    repair(oracle)
    before = oracle.hyperparameters.get_config()
    space = oracle.create_trial("w").hyperparameters
    space.Int("more", 1, 2)
    space.values["rate"] = 7.0
    space.space[0].min_value = 99.0
    assert oracle.hyperparameters.get_config() == before


def test_space_is_not_looked_up_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each trial would cost a third more of the oracle's time."""
    oracle = oracles.RandomSearchOracle(
        objective=simulation.OBJECTIVE, hyperparameters=wide_space(), seed=3
    )
    repair(oracle)
    monkeypatch.setattr(hp_types, "deserialize", None)
    oracle.create_trial("w")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_score_that_is_no_number_fails_the_trial(tmp_path: Path, value: float) -> None:
    """An infinite score would win the search or break the oracle's model."""
    oracle = repaired("random", tmp_path)
    trial = oracle.create_trial("w")
    oracle.update_trial(trial.trial_id, {"score": value})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    assert trial.status == "FAILED"
    assert f"Received: {value}" in trial.message
    assert "learning rate" in trial.message


class Scoring(simulation.CountingOracle):
    def score_trial(self, trial: Any) -> None:
        value = trial.metrics.get_last_value("score")
        trial.score = 1 / value if value else math.inf
        trial.best_step = 7


def ended_trial(cls: type, value: float) -> Any:
    """A trial that reported a value, as a repaired oracle of that class ended it."""
    oracle = cls(objective=simulation.OBJECTIVE, hyperparameters=simulation.space())
    repair(oracle)
    trial = oracle.create_trial("w")
    oracle.update_trial(trial.trial_id, {"score": value})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    return trial


def test_scoring_of_the_users_own_counts() -> None:
    """A custom score would be ignored, and KerasTuner's own take its place."""
    trial = ended_trial(Scoring, 4.0)
    assert (trial.status, trial.score, trial.best_step) == ("COMPLETED", 0.25, 7)


def test_infinite_score_of_the_users_own_fails_the_trial() -> None:
    """A custom score would win the search by being no number."""
    trial = ended_trial(Scoring, 0.0)
    assert trial.status == "FAILED"
    assert math.isnan(trial.score)
    assert "Received: inf" in trial.message


class RaisingScore(simulation.CountingOracle):
    def score_trial(self, trial: Any) -> None:
        raise LookupError("no such metric")


def test_scoring_that_raises_fails_the_trial() -> None:
    """A bug in a scoring function would leave the oracle locked and half updated."""
    trial = ended_trial(RaisingScore, 1.0)
    assert trial.status == "FAILED"
    assert "no such metric" in trial.message
    assert "Traceback" in trial.message


class OwnHyperband(oracles.HyperbandOracle):
    """A subclass that wraps what its base suggests."""

    def populate_space(self, trial_id: str) -> Any:
        return {**super().populate_space(trial_id), "own": True}


@pytest.mark.parametrize(
    ("cls", "mended"),
    [
        (oracles.HyperbandOracle, FaultTolerantHyperband),
        (OwnHyperband, FaultTolerantHyperband),
        (oracles.BayesianOptimizationOracle, ResumableBayesian),
    ],
)
def test_mended_search_stands_behind_the_users_class(cls: type, mended: type) -> None:
    """A subclass would bring the fault back, or lose what it overrides."""
    oracle = cls(simulation.OBJECTIVE, hyperparameters=simulation.space())
    repair(oracle)
    repair(oracle)
    assert isinstance(oracle, cls)
    assert isinstance(oracle, mended)
    assert type(oracle).__name__ == cls.__name__
    assert type(oracle).__mro__.count(mended) == 1
    if cls is OwnHyperband:
        assert oracle.populate_space("0")["own"]


def test_other_oracles_stay_as_they_are() -> None:
    """A second search in the process would be changed without asking."""
    repair(simulation.oracle("random"))
    assert type(simulation.oracle("random")) is oracles.RandomSearchOracle


def test_lock_is_given_back_when_a_call_raises() -> None:
    """After one error, every further call would wait for ever."""
    oracle = simulation.oracle("random")

    @keras_tuner.synchronized
    def update(oracle: Any) -> None:
        raise LookupError

    with pytest.raises(LookupError), lock_released_on_error(oracle):
        update(oracle)
    assert not oracle_module.LOCKS[oracle].locked()


def test_lock_of_another_thread_is_left_alone() -> None:
    """A failing call would let a third one in beside the second."""
    oracle = simulation.oracle("random")
    lock = oracle_module.LOCKS[oracle]

    def take() -> None:
        lock.acquire()
        oracle_module.THREADS[oracle] = threading.current_thread().name

    other = threading.Thread(target=take)
    other.start()
    other.join()
    with pytest.raises(LookupError), lock_released_on_error(oracle):
        raise LookupError
    assert lock.locked()
