"""Which trials are the best, while a search runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tests.support import simulation
from tuner_component import load_study
from tuner_component.search.constraint import Constraint
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle import aims
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.oracle.ranking import Ranking
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.study.study import Study
from tuner_component.search.watching import Lines

SMALL = Constraint("b", "<=", 5.0)


def run(
    directory: Path,
    *trials: dict[str, Any],
    constraints: tuple[Constraint, ...] = (),
    pareto: bool = True,
) -> tuple[DurableOracle, list[str]]:
    """Runs trials with these metrics (`step` for their epoch); returns what was logged."""
    lines: list[str] = []
    options = SearchOptions(pareto=pareto, constraints=constraints)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        [keras_tuner.Objective("a", "min"), keras_tuner.Objective("b", "min")],
        max_trials=99,
        hyperparameters=simulation.space(),
        seed=1,
    )
    with Study.open(str(directory), simulation.FINGERPRINT, seed=1) as study:
        goals = aims.take_up(oracle, options)
        epochs = LearningCurves.of(None, oracle, goals)
        durable = DurableOracle.open(
            oracle, study, epochs=epochs, observer=Lines(lines.append)
        )
        for told in trials:
            trial = durable.create_trial("worker")
            for metrics in told.get("reports", [told]):
                reported = {k: v for k, v in metrics.items() if k != "step"}
                reported.setdefault("multi_objective", sum(reported.values()))
                step = metrics.get("step", 0)
                durable.update_trial(trial.trial_id, reported, step)
            trial.status = "COMPLETED"
            durable.end_trial(trial)
    return durable, [line for line in lines if "completed" in line]


def ids(durable: DurableOracle, number: int | None = None) -> list[int]:
    return [int(trial.trial_id) for trial in durable.get_best_trials(number)]


def test_the_front_comes_first(tmp_path: Path) -> None:
    """`get_best_trials` would return the smallest sums."""
    trials = [{"a": 0, "b": 10}, {"a": 1, "b": 6}, {"a": 9, "b": 0}, {"a": 9, "b": 1}]
    durable, lines = run(tmp_path, *trials)
    assert ids(durable) == [1, 0, 2, 3]
    assert ids(durable, 2) == [1, 0]
    assert lines[-1].endswith("the front has 3 trials, the most balanced one is 01.")
    assert load_study(tmp_path).front == ["01", "00", "02"]


def test_it_fills_up_as_kerastuner_does(tmp_path: Path) -> None:
    """Code that asks for more trials than completed would get fewer than in stock."""
    durable, _ = run(tmp_path, {"a": 0, "b": 1})
    durable._inner.create_trial("another")
    assert ids(durable, 9) == [0, 1]


def test_constraints_come_first(tmp_path: Path) -> None:
    """What may not be taken would be called the best."""
    trials = [{"a": 0, "b": 9}, {"a": 7, "b": 5}, {"a": 1, "b": 6}]
    durable, lines = run(tmp_path, *trials, constraints=(SMALL,), pareto=False)
    assert ids(durable) == [1, 2, 0]
    assert "no trial meets b <= 5; trial 00 comes closest (b 9)" in lines[0]
    assert "best so far that meets the constraints 12 by trial 01" in lines[-1]


def test_a_point_is_of_one_epoch(tmp_path: Path) -> None:
    """A trial would be on the front with a point that none of its models has."""
    epochs = [{"a": 0, "b": 9, "step": 0}, {"a": 5, "b": 1, "step": 1}]
    durable, _ = run(tmp_path, {"reports": epochs}, {"a": 4, "b": 4})
    study = load_study(tmp_path)
    assert set(study.front) == {"00", "01"}
    points = {t.trial_id: (t.metrics["a"], t.metrics["b"]) for t in study.on_front}
    assert points == {"00": (5, 1), "01": (4, 4)}
    assert ids(durable) == [int(trial_id) for trial_id in study.front]


def test_what_tells_no_objective_is_on_no_front(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An oracle of the user's may take results that lack one, as in stock."""
    durable, _ = run(tmp_path, {"a": 1, "b": 1}, {"a": 4, "b": 4})
    del durable.trials["00"].metrics.metrics["b"]
    ranking = Ranking(durable._inner, durable.ranking.goals)
    assert ranking.ranked().front == ["01"]
    (warning,) = [r.message for r in caplog.records if "cannot be on" in r.message]
    assert "Expected the objective 'b' among the metrics of trial 00" in warning


def test_a_resumed_search_knows_its_front(tmp_path: Path) -> None:
    """It would begin with an empty one, or forget what it was looking for."""
    first, _ = run(tmp_path, {"a": 0, "b": 10}, {"a": 3, "b": 3}, constraints=(SMALL,))
    again, lines = run(tmp_path, {"a": 2, "b": 4}, constraints=(SMALL,))
    assert ids(first) == [1, 0]
    assert ids(again) == [1, 2, 0]
    assert "the front has 2 trials" in lines[0]


def test_weights_of_the_whole_front_are_kept(tmp_path: Path) -> None:
    """The model of a trial on the front could not be loaded."""
    durable, _ = run(tmp_path, *[{"a": n, "b": 20 - n} for n in range(20)])
    assert len(durable.ranking.kept(3)) == 20
    plain, _ = run(tmp_path / "plain", {"a": 1, "b": 1}, pareto=False)
    assert plain.ranking.kept(3) == []
