"""A facade cannot be told from what it wraps, nor a facade of a facade."""

import copy

import keras_tuner
import pytest
from keras_tuner import oracles

from tests.support import simulation
from tuner_component.search.kerastuner.facade import OracleFacade


class Counting(OracleFacade):
    """Has a method and an attribute of its own."""

    __slots__ = ("calls",)

    def __init__(self, oracle: object) -> None:
        super().__init__(oracle)
        self.calls = 0

    def get_space(self) -> str:
        self.calls += 1
        return "mine"


@pytest.mark.parametrize("depth", [1, 2])
def test_passes_for_what_it_wraps(depth: int) -> None:
    """User code that looks at the type of its oracle would refuse it."""
    inner = simulation.oracle("random")
    facade = inner
    for _ in range(depth):
        facade = Counting(facade)
    assert isinstance(facade, keras_tuner.Oracle)
    assert isinstance(facade, oracles.RandomSearchOracle)
    assert not isinstance(facade, oracles.GridSearchOracle)


@pytest.mark.parametrize("depth", [1, 2])
def test_attributes_are_those_of_what_it_wraps(depth: int) -> None:
    """What one part of a tuner sets, another would not see."""
    inner = simulation.oracle("random")
    facade = inner
    for _ in range(depth):
        facade = Counting(facade)
    facade.max_trials = 77
    facade.brand_new = 1
    assert (inner.max_trials, inner.brand_new) == (77, 1)
    assert facade.seed == inner.seed


def test_own_members_stay_its_own() -> None:
    """A facade could not do anything."""
    inner = simulation.oracle("random")
    facade = Counting(inner)
    assert facade.get_space() == "mine"
    assert facade.calls == 1
    assert not hasattr(inner, "calls")


def test_there_is_but_one() -> None:
    """A callback that holds the tuner is copied for each trial: it could not be."""
    facade = Counting(simulation.oracle("random"))
    assert copy.deepcopy({"tuner": facade})["tuner"] is facade
    assert copy.copy(facade) is facade
