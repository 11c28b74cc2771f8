"""What a search takes for its result."""

import math
from typing import Any

import pytest

from tuner_component.search.constraint import Constraint
from tuner_component.search.goals.goals import (
    Candidate,
    Goals,
    metrics_of,
    shortfall,
)

BOTH = (("loss", "min"), ("recall", "max"))


def candidate(**metrics: float) -> Candidate:
    score = metrics.get("score", metrics.get("loss", 0.0) - metrics.get("recall", 0.0))
    return Candidate(score, metrics, metrics)


def ids(goals: Goals, *candidates: Candidate) -> tuple[list[int], int]:
    return goals.order(candidates)


def test_directions_count() -> None:
    """A metric that is to be large would be minimized."""
    goals = Goals(BOTH, pareto=True)
    order = ids(
        goals,
        candidate(loss=1.0, recall=0.1),
        candidate(loss=1.0, recall=0.9),
        candidate(loss=2.0, recall=0.95),
    )
    assert order == ([1, 2, 0], 2)


def test_the_front_comes_first_and_then_the_scores() -> None:
    """`tuner_results.json` would hide the front among the other trials."""
    goals = Goals((("a", "min"), ("b", "min")), pareto=True)
    found = [
        Candidate(score, metrics, metrics)
        for score, metrics in (
            (100.0, {"a": 0.0, "b": 100.0}),
            (52.0, {"a": 2.0, "b": 50.0}),
            (10.0, {"a": 10.0, "b": 0.0}),
            (60.0, {"a": 10.0, "b": 50.0}),
            (15.0, {"a": 15.0, "b": 0.0}),
        )
    ]
    places, front = goals.order(found)
    assert (places, front) == ([1, 0, 2, 4, 3], 3)


def test_only_points_of_one_epoch_are_on_the_front() -> None:
    """A point would be claimed that no model has."""
    goals = Goals(BOTH, pareto=True)
    mixed = Candidate(-5.0, {"loss": 0.0, "recall": 5.0}, {"loss": 0.0})
    whole = candidate(loss=1.0, recall=0.5)
    assert goals.order([mixed, whole]) == ([1, 0], 1)
    assert goals.order([mixed]) == ([0], 0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_on_no_front(value: float) -> None:
    """A diverged trial would be unbeatable in another objective."""
    goals = Goals(BOTH, pareto=True)
    assert goals.point({"loss": value, "recall": 1.0}) is None


def test_constraints_come_before_scores() -> None:
    """The result would be too large, and a better score the excuse."""
    goals = Goals((("score", "max"),), (Constraint("size", "<=", 10.0),))
    found = (
        candidate(score=9.0, size=30.0),
        candidate(score=5.0, size=10.0),
        candidate(score=7.0, size=20.0),
        candidate(score=6.0, size=1.0),
        candidate(score=99.0),
    )
    assert goals.order(found) == ([3, 1, 2, 0, 4], 0)


def test_the_front_has_only_what_meets_the_constraints() -> None:
    """The published trial could be one that may not be taken."""
    goals = Goals(BOTH, (Constraint("size", "<", 10.0),), pareto=True)
    found = (
        candidate(loss=0.1, recall=0.9, size=10.0),
        candidate(loss=0.2, recall=0.8, size=9.0),
    )
    assert goals.order(found) == ([1, 0], 1)


def test_what_comes_closest_is_first_if_nothing_meets_them() -> None:
    """A typing error in a constraint would cost the whole search."""
    goals = Goals(BOTH, (Constraint("size", "<", 10.0),), pareto=True)
    found = (
        candidate(loss=0.1, recall=0.9, size=20.0),
        candidate(loss=0.2, recall=0.8, size=11.0),
    )
    assert goals.order(found) == ([1, 0], 0)
    told = shortfall(goals, 0, "07", found[1].metrics)
    assert told == "no trial meets size < 10; trial 07 comes closest (size 11)"


def test_no_trials_have_no_order() -> None:
    """A search that has just begun could not be looked at."""
    assert Goals(BOTH, pareto=True).order([]) == ([], 0)


def test_comes_back_from_the_journal() -> None:
    """A report would show another front than the search did."""
    goals = Goals(BOTH, (Constraint("size", "<=", 0.1),), pareto=True)
    assert Goals.from_json(goals.to_json()) == goals
    assert Goals(BOTH[:1]).to_json() == {}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"objectives": [], "constraints": [], "pareto": True},
        {"objectives": [["a", "up"]], "constraints": [], "pareto": True},
        {"objectives": [["a", "min"]], "constraints": ["b"], "pareto": True},
        {"objectives": [["a", "min"]], "constraints": [], "pareto": 1},
        {"objectives": [[1, "min"]], "constraints": [], "pareto": True},
        {"objectives": 3, "constraints": [], "pareto": True},
        {"objectives": [["a", "min"]], "constraints": [5], "pareto": True},
    ],
)
def test_other_content_is_refused(content: dict[str, Any]) -> None:
    """A forged record would end a search with a bare traceback."""
    with pytest.raises(ValueError, match="Expected the goals of a search"):
        Goals.from_json(content)


def test_is_said_in_a_sentence() -> None:
    """The report could not say what was looked for."""
    goals = Goals(BOTH, (Constraint("size", "<=", 5.0),), pareto=True)
    assert str(goals) == "Minimize loss and maximize recall, with size <= 5"


def test_metrics_are_those_of_the_best_epoch() -> None:
    """Values of different epochs would be taken for one model's."""
    histories = {
        "loss": {
            "observations": [
                {"value": [1.0, 3.0], "step": 4},
                {"value": [9], "step": 5},
            ]
        },
        "size": {"observations": [{"value": [7], "step": 0}]},
        "empty": {"observations": []},
    }
    assert metrics_of(histories, 4) == ({"loss": 2.0, "size": 7.0}, {"loss": 2.0})
