"""One number for several objectives."""

import math
import random

import pytest

from tuner_component.planner.scalarisation import Scalarisation
from tuner_component.search.goals import front
from tuner_component.search.goals.front import Point


def points(*values: tuple[float, ...]) -> list[Point]:
    return [Point(0.0, one) for one in values]


@pytest.mark.parametrize("turn", range(20))
def test_the_best_one_is_on_the_front(turn: int) -> None:
    """A search would be drawn to what another point makes superfluous."""
    draw = random.Random(turn)
    known = points(*[(draw.random(), 1e6 * draw.random()) for _ in range(30)])
    scale = Scalarisation(known, 2, seed=1, turn=turn)
    values = [scale.value(point) for point in known]
    assert values.index(min(values)) in front.first_front(known)
    assert min(values) > 0


def test_every_part_of_the_front_is_the_best_by_some_weights() -> None:
    """A front that bends inwards would be its two ends."""
    angles = [math.pi * step / 20 for step in range(11)]
    inwards = points(*[(math.sin(one), math.cos(one) * 1e6) for one in angles])
    best = set()
    for turn in range(200):
        scale = Scalarisation(inwards, 2, seed=1, turn=turn)
        values = [scale.value(point) for point in inwards]
        best.add(values.index(min(values)))
    assert len(best) >= 9


def test_a_violation_counts_for_more_than_any_objective() -> None:
    """What may not be taken would be looked for."""
    known = points((0, 1), (1, 0))
    scale = Scalarisation(known, 2, seed=1, turn=3)
    worst = max(scale.value(point) for point in points((1, 1)))
    best = scale.value(Point(0.0, (0, 0)))
    assert scale.value(Point(0.01, (0, 0))) > best + 1
    assert scale.value(Point(0.2, (1, 1))) > worst
    assert scale.value(Point(math.inf, (1, 1))) < 100  # It is still a number.


def test_a_diverged_trial_distorts_nothing() -> None:
    """All others would be equally good beside it."""
    known = points((0, 1), (0.5, 0.5), (1, 0), (1e300, 1e300))
    scale = Scalarisation(known, 2, seed=1, turn=0)
    assert abs(scale.value(known[0]) - scale.value(known[1])) > 1e-3
    assert math.isfinite(scale.value(Point(0.0, (1.7e308, -1.7e308))))


@pytest.mark.parametrize("known", [[], points((3, 3)), [Point(1.0, (3, 4))]])
def test_few_points_are_enough(known: list[Point]) -> None:
    """A search could not begin."""
    scale = Scalarisation(known, 2, seed=1, turn=0)
    better, worse = points((1, 1), (2, 2))
    assert scale.value(better) < scale.value(worse)
    assert math.isnan(scale.value(None))


def test_one_objective_has_one_weight() -> None:
    """Constraints could not be had without a list of objectives."""
    scale = Scalarisation(points((1,), (2,)), 1, seed=1, turn=0)
    assert scale.value(Point(0.0, (2.0,))) - scale.value(Point(0.0, (1.0,))) > 1
