"""Points near to one that was tried before."""

from __future__ import annotations

import random
from typing import Any

import keras_tuner

from tests.oracles.test_optuna_oracle import make
from tests.support import simulation
from tuner_component.oracles import neighbours
from tuner_component.search.space import dimensions


def _space() -> list[dimensions.Dimension]:
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 0, 9)
    hp.Choice("kind", ["flat", "deep", "wide"])
    with hp.conditional_scope("kind", ["deep"]):
        hp.Int("layers", 1, 3)
    return dimensions.dimensions(hp.space)


def _walk(values: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """The points that are nearest, one after the other."""
    tried = [values]
    while len(tried) <= count:
        near = neighbours.nearest(
            _space(), values, tried.__contains__, random.Random(len(tried))
        )
        if near is None:
            break
        tried.append(near)
    return tried[1:]


def test_one_step_changes_one_hyperparameter() -> None:
    """The search would leave the place that its model thinks best."""
    found = _walk({"units": 4, "kind": "flat"}, 4)
    assert {"units": 3, "kind": "flat"} in found
    assert {"units": 5, "kind": "flat"} in found
    assert {"units": 4, "kind": "wide"} in found
    assert found[0] != found[1]


def test_what_a_step_makes_active_has_a_value() -> None:
    """The model would be built with a hyperparameter that was never chosen."""
    found = _walk({"units": 4, "kind": "flat"}, 30)
    assert {point["kind"] for point in found} == {"flat", "deep", "wide"}
    for point in found:
        assert ("layers" in point) == (point["kind"] == "deep")


def test_every_point_is_found_and_none_twice() -> None:
    """A finite space would be left before it is exhausted, or never."""
    found = _walk({"units": 4, "kind": "flat"}, 99)
    assert len(found) == 10 * 5 - 1
    assert len({repr(sorted(point.items())) for point in found}) == len(found)


def test_a_continuous_value_is_left_for_one_near_by() -> None:
    """A sampler that repeats itself would be asked for ever."""
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 0.0, 1.0)
    space, values = dimensions.dimensions(hp.space), {"rate": 0.5}
    near = neighbours.nearest(space, values, values.__eq__, random.Random(1))
    assert near is not None
    assert 0 < abs(near["rate"] - 0.5) <= 0.1


def test_a_model_that_repeats_itself_is_asked_twice_at_most() -> None:
    """In a space of few values each suggestion would take as long as twenty."""
    hp = keras_tuner.HyperParameters()
    for name in "abcd":
        hp.Int(name, 0, 3)
    oracle = make(trials=99, hyperparameters=hp)
    oracle._set_project_dir("/nowhere", "search")
    oracle.save = oracle._save_trial = lambda *_: None
    asked = []
    samplers = oracle._make_sampler
    oracle._make_sampler = lambda *told: asked.append(told) or samplers(*told)
    for _ in range(60):
        trial = oracle.create_trial("worker")
        oracle.update_trial(trial.trial_id, {"score": simulation.objective({})})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    assert 60 < len(asked) <= 120
