"""Weights that are others each time that a trial is chosen."""

from typing import Any

import pytest

from tuner_component.oracles.turns import Turns
from tuner_component.search.goals.front import Point
from tuner_component.search.goals.goals import Goals

GOALS = Goals((("a", "min"), ("b", "min")), pareto=True)


class Listener:
    """In place of a planner: what it has seen, and how often it is told values."""

    def __init__(self) -> None:
        self.seen = [("0", 1), ("1", 1)]
        self.told: list[list[float]] = []

    def revalue(self, value_of: object, many: int) -> None:
        assert callable(value_of) and many == len(self.seen)
        self.told.append([value_of(*pair) for pair in self.seen])


def turns() -> Turns:
    made = Turns(GOALS, seed=5)
    made.learn("0", [Point(0.0, (1.0, 0.0))])
    made.learn("1", [Point(0.0, (0.0, 1.0)), None])
    return made


def test_a_turn_lasts_until_a_trial_is_chosen() -> None:
    """A model would be learned anew each time that a worker has to wait."""
    made, planner = turns(), Listener()
    made.begin(planner)  # type: ignore[arg-type]
    made.begin(planner)  # type: ignore[arg-type]
    assert len(planner.told) == 1
    made.end()
    made.begin(planner)  # type: ignore[arg-type]
    assert len(planner.told) == 2
    assert planner.told[0] != planner.told[1]


def test_its_state_brings_the_same_weights_back() -> None:
    """A resumed search would compare trials by others."""
    made, planner = turns(), Listener()
    made.begin(planner)  # type: ignore[arg-type]
    planner.seen.append(("1", 2))  # What came later does not change its scale.
    resumed = turns()
    resumed.state = made.state
    resumed.go_on(planner.seen)
    assert [resumed.value("0", 1), resumed.value("1", 1)] == planner.told[0]


def test_only_what_came_as_far_dominates() -> None:
    """A trial would be given up for one that was trained longer."""
    made = Turns(GOALS, seed=5)
    made.learn("0", [Point(0.0, (5.0, 5.0)), Point(0.0, (1.0, 1.0))])
    made.learn("1", [Point(0.0, (3.0, 3.0))])
    assert not made.is_dominated("1")
    made.learn("2", [Point(0.0, (2.0, 3.0))])
    assert made.is_dominated("1")
    assert not made.is_dominated("unknown")


@pytest.mark.parametrize("forged", [["x", 0, 0], [1, "x", 0], [1, 0], 5, [1.5, 0, 0]])
def test_a_state_that_is_none_is_refused_at_once(forged: Any) -> None:
    """A search would end at a later decision, with an error that says nothing of it."""
    with pytest.raises((TypeError, ValueError)):
        Turns(GOALS, 1).state = forged
