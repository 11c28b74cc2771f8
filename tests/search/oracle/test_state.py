"""What an oracle knows beside its trials is captured, and nothing that is not its own."""

import json
import random
from typing import Any

import keras_tuner
import numpy as np
import pytest
from keras_tuner import oracles

from tests.support import simulation
from tuner_component.search.oracle.state import OracleState
from tuner_component.search.storage import plain


class Plain(keras_tuner.Oracle):
    """Counts, draws random numbers, and holds what no file can."""

    def __init__(self, fixed: int = 3) -> None:
        super().__init__(simulation.OBJECTIVE, seed=1)
        self.fixed = fixed
        self.count = 0
        self.python = random.Random(1)
        self.legacy = np.random.RandomState(1)
        self.modern = np.random.default_rng(1)
        self.connection = object()
        self.pairs: list[tuple[int, int]] = []
        self.later: dict[str, Any] | None = None

    def advance(self) -> list[float]:
        self.count += 1
        self.pairs.append((self.count, -self.count))
        self.later = {"n": self.count}
        self.added = True
        return [self.python.random(), self.legacy.rand(), self.modern.random()]


class Contract(Plain):
    """Says itself what its state is."""

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "told": self.count}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.count = state["told"]


def move(source: Any, target: Any, state: OracleState | None = None) -> None:
    """Puts the state of one oracle into another, by way of JSON."""
    captured = (state or OracleState(source)).capture()
    captured = json.loads(json.dumps(captured, allow_nan=False))
    base = keras_tuner.Oracle.get_state(target)
    OracleState(target).restore(base, captured)


def test_plain_attributes_and_random_generators_come_back() -> None:
    """An oracle that only overrides `populate_space` would begin anew."""
    source, target = Plain(), Plain()
    state = OracleState(source)
    source.advance()
    move(source, target, state)
    assert target.advance() == source.advance()
    assert target.pairs == [(1, -1), (2, -2)]
    assert target.later == {"n": 2}
    assert target.added


def test_unchanged_attributes_are_left_alone() -> None:
    """What the constructor set would be overruled by what it set long ago."""
    source, target = Plain(fixed=3), Plain(fixed=4)
    state = OracleState(source)
    source.advance()
    assert "fixed" not in state.capture()["attributes"]
    connection = target.connection
    move(source, target, state)
    assert target.fixed == 4
    assert target.connection is connection


def test_attribute_back_at_its_first_value_is_kept() -> None:
    """The journal would tell the value before, and the oracle come back to that."""
    oracle = Plain()
    state = OracleState(oracle)
    oracle.count = 5
    state.capture()
    oracle.count = 0
    assert state.capture()["attributes"]["count"] == 0


def test_who_keeps_the_contract_is_taken_at_its_word() -> None:
    """Attributes that a class chose not to keep (a session, a cache) would come back."""
    source, target = Contract(), Contract()
    state = OracleState(source)
    source.advance()
    captured = state.capture()
    assert captured == {"extras": {"told": 1}}
    move(source, target, state)
    assert target.count == 1
    assert target.pairs == []


def test_oracle_without_state_has_none() -> None:
    """Every record of a random search would carry dead weight."""
    assert OracleState(simulation.oracle("random")).capture() == {}


def test_base_state_is_not_told_twice() -> None:
    """Each record would repeat all trials so far."""
    state = OracleState(simulation.oracle("hyperband"))
    captured = state.capture()
    assert set(captured) == {"extras"}
    assert set(captured["extras"]) == {
        "hyperband_iterations",
        "max_epochs",
        "min_epochs",
        "factor",
        "brackets",
        "current_bracket",
        "current_iteration",
    }


class BayesianWithState(oracles.BayesianOptimizationOracle):
    """Overrides `get_state`, and inherits random numbers that nobody saves."""

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "mine": 1}


@pytest.mark.parametrize("cls", [oracles.BayesianOptimizationOracle, BayesianWithState])
def test_random_numbers_of_bayesian_search_come_back(cls: type) -> None:
    """Its suggestions after a resume would repeat those of the beginning."""
    source, target = (
        cls(simulation.OBJECTIVE, seed=4),
        cls(simulation.OBJECTIVE, seed=4),
    )
    state = OracleState(source)
    source._random_state.uniform(size=7)
    move(source, target, state)
    assert target._random_state.uniform() == source._random_state.uniform()


def test_state_no_file_could_hold_is_refused() -> None:
    """An oracle would silently come back without part of its state."""
    oracle = Contract()
    oracle.count = object()  # type: ignore[assignment]
    with pytest.raises(plain.NotPlainError):
        OracleState(oracle).capture()
