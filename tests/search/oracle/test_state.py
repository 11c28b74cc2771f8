"""What an oracle knows besides its trials comes back: its state, generators and spaces."""

import json
import random
from typing import Any

import keras_tuner
import numpy as np
import pytest
from keras_tuner import oracles

from tests.support import simulation
from tuner_component.search.oracle.state import (
    OracleState,
    SpaceTable,
    generator_state,
    put_back,
)
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
    """Overrides `get_state`, and inherits random numbers that it does not save."""

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


# Random generators go on with the numbers that would have come next.


def draw(generator: Any) -> Any:
    return generator.normal() if hasattr(generator, "normal") else generator.gauss(0, 1)


@pytest.mark.parametrize(
    "make",
    [
        random.Random,
        np.random.RandomState,
        np.random.default_rng,
        lambda seed: np.random.Generator(np.random.Philox(seed)),
    ],
)
@pytest.mark.parametrize("fresh", [True, False])
def test_sequence_goes_on(make: Any, fresh: bool) -> None:
    """An oracle would suggest again what it suggested before the crash."""
    generator = make(1)
    for _ in range(3):  # An odd number: the second normal value waits to be used.
        draw(generator)
    saved = json.loads(json.dumps(generator_state(generator)))
    other = make(2) if fresh else None
    back = put_back(other, saved)
    assert (back is other) == fresh
    assert [draw(back) for _ in range(5)] == [draw(generator) for _ in range(5)]


def test_anything_else_is_no_generator() -> None:
    """Some other attribute would be taken for random numbers."""
    for value in (None, 1, object(), random, np.random, [random.Random()]):
        assert generator_state(value) is None


# Search spaces are kept once and come back as they were.


def every_kind() -> Any:
    hp = keras_tuner.HyperParameters()
    hp.Fixed("fixed", 3)
    hp.Boolean("flag", default=True)
    hp.Choice("text", ["a", "b"], default="b")
    hp.Choice("number", [0.1, 0.2])
    with hp.conditional_scope("text", ["b"]):
        hp.Int("count", 1, 64, step=2, sampling="log")
        with hp.name_scope("inner"):
            hp.Float("rate", 1e-5, 1.0, sampling="reverse_log")
    return hp


def test_every_kind_of_hyperparameter_comes_back() -> None:
    """A resumed search would sample from another space."""
    hp = every_kind()
    key, entries = SpaceTable().key(hp)
    table = SpaceTable()
    table.add(key, json.loads(json.dumps(entries)))
    back = table.hyperparameters(key, hp.values)
    assert back.get_config() == hp.get_config()
    assert back.is_active("count")
    assert back.get("text") == "b"


def test_equal_spaces_are_journaled_once() -> None:
    """Each trial would repeat the whole space."""
    table = SpaceTable()
    key, entries = table.key(every_kind())
    assert entries is not None
    assert table.key(every_kind()) == (key, None)
    other, entries = table.key(simulation.space())
    assert entries is not None
    assert other != key
    assert table.key(every_kind()) == (key, None)


def test_small_difference_is_another_space() -> None:
    """A trial would come back with another range than it was drawn from."""
    table = SpaceTable()
    for low in (1, 2):
        hp = keras_tuner.HyperParameters()
        hp.Int("x", low, 9)
        assert table.key(hp)[1] is not None


def test_trials_share_no_lists() -> None:
    """A hyperparameter found by one trial would show up in all others."""
    hp = every_kind()
    table = SpaceTable()
    key, _ = table.key(hp)
    some, other = table.hyperparameters(key, {}), table.hyperparameters(key, {})
    some.Int("late", 1, 2)
    some.values["flag"] = False
    assert "late" not in [p.name for p in other.space]
    assert other.values == {}
    assert table.key(hp) == (key, None)


def test_lost_space_is_empty() -> None:
    """One lost record would keep a study from being opened."""
    hp = SpaceTable().hyperparameters("gone", {"x": 1})
    assert hp.values == {"x": 1}
    assert hp.space == []


@pytest.mark.parametrize(
    "name",
    [
        "populate_space",
        "__class__",
        "trials",
        "objective",
        "advance",
        "a b",
        "_display",
    ],
)
def test_only_what_is_captured_is_put_back(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A journal from elsewhere would replace an oracle's methods, or its objective."""
    oracle = Plain()
    base = keras_tuner.Oracle.get_state(oracle)
    OracleState(oracle).restore(base, {"attributes": {name: 7, "count": 7}})
    assert not isinstance(getattr(oracle, name, None), int)
    assert oracle.count == 7
    assert repr(name) in caplog.text


def test_oracle_that_says_its_state_gets_nothing_else() -> None:
    """A journal from elsewhere would set what the oracle never told."""
    oracle = Contract()
    base = keras_tuner.Oracle.get_state(oracle)
    captured = {"extras": {"told": 3}, "attributes": {"fixed": 7}}
    OracleState(oracle).restore(base, captured)
    assert (oracle.count, oracle.fixed) == (3, 3)


@pytest.mark.parametrize(
    "saved",
    [
        {"kind": "os.system", "state": {}},
        {
            "kind": "numpy.random._generator.Generator",
            "state": {"bit_generator": "seed"},
        },
    ],
)
def test_generator_of_an_unknown_kind_is_refused(saved: dict[str, Any]) -> None:
    """A journal from elsewhere would choose what is called."""
    with pytest.raises(ValueError, match="Expected"):
        put_back(None, saved)
