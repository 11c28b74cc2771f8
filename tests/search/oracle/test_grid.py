"""Grid search covers the grid, whenever its hyperparameters are found."""

import itertools
from typing import Any

import keras_tuner
import pytest
from keras_tuner.oracles import GridSearchOracle

from tests.support import simulation
from tuner_component.search.oracle.grid import ResumableGrid


def new(cls: type, tmp_path: Any, space: Any = None) -> Any:
    oracle = cls(simulation.OBJECTIVE, hyperparameters=space)
    oracle._set_project_dir(str(tmp_path), cls.__name__)
    oracle._check_consecutive_failures = lambda: None
    oracle.verbose = 0
    return oracle


def finish(oracle: Any, trial: Any, find: bool = True, fails: bool = False) -> None:
    """Ends a trial, which finds its hyperparameters only now."""
    trial.status = "FAILED"
    if find:
        trial.hyperparameters.Choice("a", [1, 2])
        trial.hyperparameters.Choice("b", ["x", "y", "z"])
    if not fails:
        oracle.update_trial(trial.trial_id, {"score": 1.0})
        trial.status = "COMPLETED"
    oracle.end_trial(trial)


def points(oracle: Any) -> list[tuple[Any, ...]]:
    values = [t.hyperparameters.values for t in oracle.trials.values()]
    return sorted((v.get("a", 1), v.get("b", "x")) for v in values)


def known_a() -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", [1, 2])
    return hp


def test_hyperparameter_found_while_other_trials_run(tmp_path: Any) -> None:
    """A parallel grid search would end with a KeyError."""
    oracle = new(ResumableGrid, tmp_path, known_a())
    running = [oracle.create_trial("w0"), oracle.create_trial("w1")]
    for number in itertools.count(2):
        finish(oracle, running.pop(0))
        trial = oracle.create_trial(f"w{number}")
        if trial.status == "RUNNING":
            running.append(trial)
        if not running:
            break
    assert points(oracle) == sorted(itertools.product([1, 2], "xyz"))


def test_hyperparameter_that_a_failed_trial_never_found(tmp_path: Any) -> None:
    """One early failure would end a grid search with a KeyError."""
    oracle = new(ResumableGrid, tmp_path)
    finish(oracle, oracle.create_trial("w0"), find=False, fails=True)
    oracle.update_space(known_a())
    for number in itertools.count(1):
        trial = oracle.create_trial(f"w{number}")
        if trial.status != "RUNNING":
            break
        finish(oracle, trial)
    assert points(oracle) == sorted(itertools.product([1, 2], "xyz"))


def test_kerastuner_still_has_the_fault(tmp_path: Any) -> None:
    """The mended oracle would have outlived its purpose."""
    oracle = new(GridSearchOracle, tmp_path, known_a())
    trial, _ = oracle.create_trial("w0"), oracle.create_trial("w1")
    with pytest.raises(KeyError):
        for _ in range(4):
            finish(oracle, trial)
            trial = oracle.create_trial("w0")


def test_order_is_rebuilt(tmp_path: Any) -> None:
    """A resumed grid search would try points twice, or leave some out."""
    oracle = new(ResumableGrid, tmp_path, known_a())
    running = [oracle.create_trial("w0"), oracle.create_trial("w1")]
    finish(oracle, running[0])
    running.append(oracle.create_trial("w2"))
    before = follow(oracle)
    assert before == ["0000", "0002", "0001"]
    oracle.rebuild_order(lost=())
    assert follow(oracle) == before


def follow(oracle: Any) -> list[str]:
    order = ["0000"]
    while (following := oracle._ordered_ids.next(order[-1])) is not None:
        order.append(following)
    return order
