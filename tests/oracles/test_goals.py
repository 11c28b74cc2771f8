"""Oracles that know several objectives and constraints."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import optuna
import pytest

from tests.support import two_objectives
from tests.support.two_objectives import FRONT, SMALL_FRONT, Search
from tuner_component import load_study
from tuner_component.oracles import OptunaOracle
from tuner_component.search.options import SearchOptions, StoppingOptions
from tuner_component.search.oracle import aims

ASHA = StoppingOptions("asha")


def non_dominated(points: dict[str, tuple[float, float]]) -> set[str]:
    """The front by its definition."""
    return {
        one
        for one, point in points.items()
        if not any(
            other[0] <= point[0] and other[1] <= point[1] and other != point
            for other in points.values()
        )
    }


@pytest.mark.parametrize("options", [FRONT, SMALL_FRONT], ids=["front", "constrained"])
@pytest.mark.parametrize("kind", ["auto", "tpe", "random", "kerastuner"])
def test_a_resumed_search_finds_the_same(
    tmp_path: Path, kind: str, options: SearchOptions
) -> None:
    """A crash would change what is found, or the front that is made of it."""
    if kind != "auto":
        options = dataclasses.replace(options, stopping=ASHA)
    whole = Search(tmp_path / "whole", kind, options, failing=7 * (kind != "auto"))
    expected, is_over = whole.run()
    assert is_over
    cut = Search(tmp_path / "cut", kind, options, failing=whole.failing)
    found = cut.run_in_pieces()
    assert cut.trained == whole.trained
    assert two_objectives.results(found) == two_objectives.results(expected)
    first, second = (load_study(tmp_path / name) for name in ("whole", "cut"))
    assert first.front == second.front != []
    points = {
        t.trial_id: (t.metrics["loss"], t.metrics["size"])
        for t in first.completed
        if not options.constraints or t.metrics["size"] <= 600
    }
    assert set(first.front) == non_dominated(points)
    assert [t.trial_id for t in found.get_best_trials(None)] == [
        t.trial_id for t in first.completed
    ]


@pytest.mark.parametrize("can_pause", [True, False])
def test_auto_stops_nothing_that_no_other_trial_dominates(
    tmp_path: Path, can_pause: bool
) -> None:
    """A trial would be given up because one draw of weights does not like it."""
    search = Search(tmp_path, "auto", can_pause=can_pause)
    durable, _ = search.run()
    curves = {
        i: two_objectives.curve(t.hyperparameters.values)
        for i, t in durable.trials.items()
    }
    epochs = {i: [t for t, _ in search.trained].count(i) for i in curves}
    assert min(epochs.values()) < two_objectives.EPOCHS  # Some were given up.
    for trial_id, many in epochs.items():
        if many == two_objectives.EPOCHS:
            continue
        at_it = {
            i: (c[many - 1]["loss"], c[many - 1]["size"])
            for i, c in curves.items()
            if epochs[i] >= many
        }
        assert trial_id not in non_dominated(at_it)


def test_auto_compares_by_other_weights_each_time(tmp_path: Path) -> None:
    """It would look for one point of the front, and not for the front."""
    Search(tmp_path, "auto").run()
    study = load_study(tmp_path)
    sizes = sorted(trial.metrics["size"] for trial in study.on_front)
    assert len(sizes) >= 5
    assert sizes[-1] - sizes[0] > 400
    assert "Chebyshev" in study.decisions[-1]


def test_constraints_draw_the_search_to_where_they_are_met(tmp_path: Path) -> None:
    """Half of the trials would be spent on what may not be taken."""
    shares = []
    for name, options in (("free", FRONT), ("bound", SMALL_FRONT)):
        durable, _ = Search(tmp_path / name, "auto", options).run()
        xs = [t.hyperparameters.values["x"] for t in durable.trials.values()]
        shares.append(sum(x <= 0.6 for x in xs) / len(xs))
    assert shares[1] > shares[0]


def test_a_sampler_that_knows_one_objective_is_refused() -> None:
    """Optuna would refuse it at the first suggestion, after the first trial."""
    for sampler in ("cmaes", optuna.samplers.CmaEsSampler()):
        oracle = OptunaOracle(two_objectives.OBJECTIVES, sampler=sampler)
        with pytest.raises(ValueError, match="Received: cmaes, with pareto"):
            aims.take_up(oracle, FRONT)


def test_a_sampler_of_the_users_gets_all_objectives(tmp_path: Path) -> None:
    """NSGA-II would be told the sum."""
    oracle = OptunaOracle(
        two_objectives.OBJECTIVES,
        sampler=optuna.samplers.NSGAIISampler(seed=1),
        hyperparameters=two_objectives.oracle("auto").hyperparameters,
    )
    aims.take_up(oracle, FRONT)
    assert oracle.populate_space("0")["status"] == "RUNNING"
    assert oracle._study is not None
    assert len(oracle._study._study.directions) == 2
