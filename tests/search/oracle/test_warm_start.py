"""Searches begin with what is known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from keras_tuner import oracles

from tests.support import simulation, two_objectives
from tuner_component.oracles import OptunaOracle
from tuner_component.search.options import Known
from tuner_component.search.oracle import aims
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.oracle.warm_start import start_from
from tuner_component.search.study.study import Study

GOOD = {"rate": 0.003, "kind": "deep", "layers": 2}
OTHER = {"rate": 0.01, "kind": "flat"}


def make(name: str) -> Any:
    common: dict[str, Any] = {
        "objective": simulation.OBJECTIVE,
        "hyperparameters": simulation.space(dimensions=3),
        "seed": 3,
    }
    if name == "random":
        return oracles.RandomSearchOracle(max_trials=6, **common)
    if name == "bayesian":
        return oracles.BayesianOptimizationOracle(max_trials=6, **common)
    if name == "hyperband":
        return oracles.HyperbandOracle(max_epochs=4, factor=2, **common)
    return OptunaOracle(max_trials=6, **common)


def first(directory: Path, oracle: Any, trials: int) -> list[dict[str, Any]]:
    with Study.open(str(directory), simulation.FINGERPRINT) as study:
        durable = DurableOracle.open(oracle, study)
        found = []
        for _ in range(trials):
            trial = durable.create_trial("worker")
            values = dict(trial.hyperparameters.values)
            found.append({k: v for k, v in values.items() if "/" not in k})
            simulation.run_trial(durable, trial)
        return found


@pytest.mark.parametrize("name", ["random", "bayesian", "hyperband", "optuna"])
def test_known_points_are_tried_first_and_once(tmp_path: Path, name: str) -> None:
    """Yesterday's best would be found again by chance only, or be tried twice."""
    known = Known(points=(GOOD, OTHER, GOOD))
    oracle = make(name)
    start_from(oracle, known)
    found = first(tmp_path, oracle, 2)
    assert found == [GOOD, OTHER]
    # Another process goes on with the same study.
    oracle = make(name)
    start_from(oracle, known)
    assert GOOD not in first(tmp_path, oracle, 2)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({**GOOD, "layers": 9}, r"'layers' to be a value of .*Received: 9"),
        ({**GOOD, "rate": "low"}, r"'rate' to be a value of .*Received: 'low'"),
        ({**GOOD, "width": 3}, "no hyperparameter 'width'"),
    ],
)
def test_what_does_not_fit_is_skipped_with_the_reason(
    tmp_path: Path, values: dict[str, Any], why: str, caplog: Any
) -> None:
    """A model would be built with a value that today's code excludes."""
    oracle = make("random")
    start_from(oracle, Known(points=(values, OTHER)))
    assert first(tmp_path, oracle, 1) == [OTHER]
    [message] = [r.getMessage() for r in caplog.records if "Skipping" in r.getMessage()]
    assert re.search(why, message)


def test_what_is_new_today_has_its_default(tmp_path: Path) -> None:
    """One more hyperparameter would make all that is known worthless."""
    oracle = make("random")
    start_from(oracle, Known(points=({"rate": 0.003, "kind": "deep"},)))
    assert first(tmp_path, oracle, 1) == [{**GOOD, "layers": 1}]


def test_bookkeeping_of_hyperband_is_no_hyperparameter(tmp_path: Path) -> None:
    """Points that Hyperband found would not fit any search."""
    oracle = make("random")
    start_from(oracle, Known(points=({**GOOD, "tuner/epochs": 4},)))
    assert first(tmp_path, oracle, 1) == [GOOD]


def test_a_grid_search_says_that_it_does_not_care(caplog: Any) -> None:
    """Its order would be broken, or the input be ignored without a word."""
    caplog.set_level("INFO")
    oracle = oracles.GridSearchOracle(
        simulation.OBJECTIVE, hyperparameters=simulation.grid_space()
    )
    start_from(oracle, Known(points=({"kind": "flat", "norm": True},)))
    oracle.populate_space("0")
    assert "grid search tries every point" in caplog.text


def test_a_sampler_learns_from_earlier_results(tmp_path: Path) -> None:
    """A search would begin by drawing at random, as if nothing was known."""

    def mean_score(results: int) -> float:
        oracle = make("optuna")
        rates = [10 ** -(1 + 3 * n / 40) for n in range(results)]
        points = [{"rate": rate, "kind": "flat"} for rate in rates]
        known = [(point, simulation.objective(point), None) for point in points]
        start_from(oracle, Known(results=tuple(known)))
        found = first(tmp_path / str(results), oracle, 6)
        return sum(map(simulation.objective, found)) / len(found)

    assert mean_score(40) < 0.8 * mean_score(0)


@pytest.mark.parametrize(("sampler", "states"), [("tpe", 3), ("cmaes", 2)])
def test_an_earlier_stopped_trial_is_no_result(sampler: str, states: int) -> None:
    """Its best epoch would count like what others came to in the end."""
    oracle = OptunaOracle(
        simulation.OBJECTIVE, 9, sampler, hyperparameters=simulation.space(), seed=1
    )
    points = [{"rate": rate, "kind": "flat"} for rate in (0.1, 0.01, 0.001)]
    known = [(points[0], 1.0, None), (points[1], 2.0, 4), (points[2], 3.0, None)]
    start_from(oracle, Known(results=tuple(known)))
    oracle.populate_space("0")
    told = [
        (trial.state.name, trial.value, trial.intermediate_values)
        for trial in oracle._study.trials
        if trial.state.name in ("COMPLETE", "PRUNED")
    ]
    pruned = ("PRUNED", 2.0, {4: 2.0})
    expected = [("COMPLETE", 1.0, {}), pruned, ("COMPLETE", 3.0, {})]
    # CMA-ES knows no trials that were stopped.
    assert told == [one for one in expected if states == 3 or one != pruned]


def test_scores_say_nothing_of_goals(caplog: pytest.LogCaptureFixture) -> None:
    """A sum of another search would be taken for a value of an objective."""
    oracle = two_objectives.oracle("auto")
    aims.take_up(oracle, two_objectives.FRONT)
    values = {"x": 0.5, "y": 0.25}
    start_from(oracle, Known((values,), ((values, 1.0, None),)))
    caplog.set_level("INFO")
    assert oracle.populate_space("0")["values"] == values
    assert oracle._prior == []
    assert "Earlier trials are not learned from" in caplog.text
