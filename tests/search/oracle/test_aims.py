"""The goals of a search, from its objective and from what people ask."""

import keras_tuner
import pytest

from tuner_component.search.constraint import Constraint
from tuner_component.search.goals.goals import Goals
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle import aims

SIZE = Constraint("size", "<=", 5.0)


class Oracle(keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
    """One that is told."""

    goals: Goals | None = None

    def pursue(self, goals: Goals) -> None:
        self.goals = goals


def both() -> list[keras_tuner.Objective]:
    return [keras_tuner.Objective("b", "max"), keras_tuner.Objective("a", "min")]


def test_a_front_has_all_objectives() -> None:
    """One of them, or its direction, would not count."""
    oracle = Oracle(both())
    goals = aims.take_up(oracle, SearchOptions(pareto=True, constraints=(SIZE,)))
    assert goals == Goals((("b", "max"), ("a", "min")), (SIZE,), pareto=True)
    assert oracle.goals == goals


def test_without_goals_nothing_is_told() -> None:
    """A search with one objective would be another one than before."""
    oracle = Oracle(keras_tuner.Objective("a", "max"))
    assert aims.take_up(oracle, SearchOptions()).is_plain
    assert oracle.goals is None


def test_a_sum_may_be_constrained() -> None:
    """Constraints would need a front."""
    goals = aims.take_up(Oracle(both()), SearchOptions(constraints=(SIZE,)))
    assert goals == Goals((("multi_objective", "min"),), (SIZE,))


@pytest.mark.parametrize(
    ("objective", "received"),
    [
        (keras_tuner.Objective("a", "min"), "one objective, 'a'"),
        (None, "one objective, 'default_objective'"),
        ([keras_tuner.Objective("a", "min")], r"a list of \['a'\]"),
        ([keras_tuner.Objective("a", "min")] * 2, r"a list of \['a'\]"),
        ([], r"a list of \[\]"),
    ],
)
def test_a_front_needs_several_objectives(objective: object, received: str) -> None:
    """Nobody would know why the front is one trial."""
    with pytest.raises(ValueError, match=f"several objectives.*Received: {received}"):
        aims.take_up(Oracle(objective), SearchOptions(pareto=True))
