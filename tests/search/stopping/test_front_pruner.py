"""Stopping by the place in a non-dominated sorting."""

from __future__ import annotations

import itertools
import random
from typing import Any

import keras_tuner
import pytest

from tuner_component.search.constraint import Constraint
from tuner_component.search.goals import front
from tuner_component.search.goals.front import Point
from tuner_component.search.goals.goals import Goals
from tuner_component.search.options import StoppingOptions
from tuner_component.search.stopping.rule import StoppingRule

OBJECTIVES = (("loss", "min"), ("recall", "max"))
FRONT = Goals(OBJECTIVES, pareto=True)


def options(rule: str, **more: Any) -> StoppingOptions:
    known = {"hyperband": {"max_epochs": 9}, "median": {"warmup_trials": 2}}
    return StoppingOptions(rule, **{**known.get(rule, {}), **more})


class Search:
    """Trials that report what a test says, until they are stopped."""

    def __init__(self, options: StoppingOptions, goals: Goals = FRONT) -> None:
        objectives: Any = [keras_tuner.Objective(*one) for one in goals.objectives]
        if not goals.pareto:
            (objectives,) = objectives
        oracle = keras_tuner.oracles.RandomSearchOracle(objectives, 99)
        self.rule = StoppingRule(options, oracle, goals)
        self.trials = itertools.count()

    def run(self, *epochs: dict[str, float]) -> int:
        """Runs a trial; returns after how many epochs it was stopped or ended."""
        trial_id = f"{next(self.trials):02}"
        self.rule.begin(trial_id)
        trained, stopped = 0, False
        for trained, metrics in enumerate(epochs, start=1):
            if stopped := self.rule.should_stop(trial_id, 0, trained - 1, metrics):
                break
        self.rule.end(trial_id, "COMPLETED", stopped)
        return trained


def at(loss: float, recall: float, **more: float) -> dict[str, float]:
    return {"loss": loss, "recall": recall, **more}


@pytest.mark.parametrize("rule", ["asha", "hyperband", "median"])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_on_the_front_at_its_epoch_goes_on(rule: str, seed: int) -> None:
    """A part of the front would be stopped for trials that are no better."""
    draw, search = random.Random(seed), Search(options(rule))
    # By the number of epochs: all that trials came to there.
    known: dict[int, list[Point]] = {}
    stopped = 0
    for _ in range(40):
        level, share = draw.random(), draw.random()
        epochs = [
            at(level + share + 1 / (epoch + 1), share - level) for epoch in range(9)
        ]
        trained = search.run(*epochs)
        for epoch in range(trained):
            point = FRONT.point(epochs[epoch])
            assert point is not None
            known.setdefault(epoch, []).append(point)
        if trained < 9:
            stopped += 1
            before = known[trained - 1]
            assert any(front.dominates(other, before[-1]) for other in before)
    assert stopped > 5


def test_median_stops_what_most_are_on_better_fronts_than() -> None:
    """Hopeless trials would be trained to the end, or good ones stopped."""
    search = Search(options("median"))
    for share in (0.0, 0.5, 1.0):
        assert search.run(*[at(share, share)] * 3) == 3
    assert search.run(*[at(0.4, 0.41)] * 3) == 3  # Nothing dominates it.
    assert search.run(*[at(0.9, 0.1)] * 3) == 1
    assert search.run(*[at(-1.0, 2.0)] * 3) == 3  # It dominates all.
    assert search.run(*[at(0.0, 0.1)] * 3) == 3  # One of five is on a better front.


def test_asha_lets_one_in_so_many_go_on_with_its_front() -> None:
    """A rung would let all pass, or stop what is good in another way."""
    search = Search(options("asha", reduction_factor=2))
    lengths = [
        search.run(*[at(level + share, share)] * 2)
        for level, share in [(0, 0), (1, 0), (0, 1), (1, 1), (0, 0.5), (2, 0.5)]
    ]
    assert lengths == [2, 1, 2, 1, 2, 1]


def test_patience_waits_for_any_progress() -> None:
    """A trial would be stopped that still gets better in one of its objectives."""
    search = Search(options("patience", patience=2))
    recall_grows = [at(1.0 + 0.01 * e, 0.1 * e) for e in range(9)]
    assert search.run(*recall_grows) == 9
    assert search.run(*recall_grows[:3], *[at(1.5, 0.1)] * 6) == 6
    assert search.run(*[at(1.0, 0.1)] * 9) == 9  # The same is no worse.


def test_what_violates_a_constraint_is_stopped_first() -> None:
    """Trials that may not be taken would stop those that may."""
    goals = Goals((("loss", "min"),), (Constraint("size", "<=", 5.0),))
    search = Search(options("asha", reduction_factor=2), goals)
    sizes = [9.0, 9.0, 9.0, 4.0, 9.0, 3.0]
    losses = [0.1, 0.2, 0.3, 0.9, 0.05, 0.8]
    told = [{"loss": a, "size": b} for a, b in zip(losses, sizes, strict=True)]
    assert [search.run(*[one] * 2) for one in told] == [2, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_has_diverged_in_one_objective_is_stopped(value: float) -> None:
    """Nothing could dominate it in the other one."""
    search = Search(options("asha", grace_epochs=2))
    assert search.run(*[at(value, 9.0)] * 3) == 2


def test_a_trial_that_starts_over_is_compared_anew() -> None:
    """It would be compared with itself, as it was before its worker died."""
    search = Search(options("asha", reduction_factor=2))
    search.run(at(0.5, 0.5))
    search.rule.begin("07")
    assert not search.rule.should_stop("07", 0, 0, at(0.1, 0.9))
    search.rule.begin("07")
    assert search.run(at(0.2, 0.8)) == 1
    search.rule.begin("08")
    assert not search.rule.should_stop("08", 0, 0, at(0.15, 0.85))


def test_halvings_of_hyperband_wait_differently() -> None:
    """All trials would be halved at the same epochs, as with ASHA."""
    search = Search(options("hyperband"))
    search.run(*[at(0.0, 1.0)] * 9)
    lengths = {search.run(*[at(9.0 + n, 0.0)] * 9) for n in range(40)}
    assert {1, 3} <= lengths
