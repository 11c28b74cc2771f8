"""Non-dominated sorting, and the point that stands for a front."""

import itertools
import math
import random

import pytest

from tuner_component.search.goals import front
from tuner_component.search.goals.front import Point


def points(*values: tuple[float, ...]) -> list[Point]:
    return [Point(0.0, one) for one in values]


def test_no_point_dominates_itself_or_its_equal() -> None:
    """Two trials with the same result would put each other off the front."""
    one, other = points((1.0, 2.0), (1.0, 2.0))
    assert not front.dominates(one, other)
    assert front.first_front([one, other]) == [0, 1]


def test_what_meets_the_constraints_dominates_what_does_not() -> None:
    """A better point that may not be taken would hide those that may."""
    meets, misses, worse = Point(0.0, (9, 9)), Point(0.1, (1, 1)), Point(0.2, (0, 0))
    assert front.dominates(meets, misses)
    assert front.dominates(misses, worse)
    assert front.first_front([worse, misses, meets]) == [2]


def brute_force(known: list[Point]) -> list[list[int]]:
    """Non-dominated sorting by its definition."""
    left, found = list(range(len(known))), []
    while left:
        first = [
            i
            for i in left
            if not any(front.dominates(known[j], known[i]) for j in left)
        ]
        found.append(first)
        left = [i for i in left if i not in first]
    return found


@pytest.mark.parametrize(
    ("seed", "objectives"), itertools.product(range(20), (1, 2, 3))
)
def test_fronts_are_those_of_the_definition(seed: int, objectives: int) -> None:
    """A shortcut of the sorting would put points on the wrong front."""
    draw = random.Random(seed)
    known = [
        Point(
            max(0.0, draw.randint(-6, 2)),
            tuple(float(draw.randint(0, 5)) for _ in range(objectives)),
        )
        for _ in range(40)
    ]
    expected = brute_force(known)
    assert [sorted(one) for one in front.fronts(known)] == expected
    assert front.first_front(known) == expected[0]
    for place in range(len(known)):
        before = 0
        for members in expected:
            if place in members:
                assert before <= front.rank(known, place) < before + len(members)
                break
            before += len(members)


def test_what_stands_alone_comes_first_within_a_front() -> None:
    """Of a crowd of alike trials all would go on, and a lonely one be stopped."""
    known = points(
        (0, 9), (4, 5), (4.1, 4.9), (4.2, 4.8), (8, 1), (9, 0), (5, 9), (9, 9)
    )
    first, second, third = front.fronts(known)
    assert set(first[:2]) == {0, 5}  # Its ends.
    assert first[2] == 4
    assert (second, third) == ([6], [7])


def test_the_most_balanced_one_is_nearest_to_the_ideal_point() -> None:
    """What is published would not follow the rule that is documented."""
    known = points((0, 1000), (0.4, 300), (1, 0), (0.9, 90))
    assert front.most_balanced(known, [0, 1, 2, 3]) == 1


def test_of_equally_near_points_the_first_counts() -> None:
    """The published trial would be another one on another machine."""
    known = points((0, 1), (1, 0))
    assert front.most_balanced(known, [0, 1]) == 0


def test_one_point_is_its_own_best() -> None:
    """A range of nothing would divide by zero."""
    assert front.most_balanced(points((5, 5)), [0]) == 0


def test_huge_numbers_are_compared_as_well() -> None:
    """The difference of two finite numbers may be none."""
    high = 1.7e308
    known = points((-high, high), (0.0, 0.0), (high, -high))
    assert front.most_balanced(known, [0, 1, 2]) == 1
    assert front.fronts(known)[0][:2] == [0, 2]


def test_no_points_have_no_front() -> None:
    """A search would end with an error that has not begun."""
    assert front.first_front([]) == []
    assert front.fronts([]) == []


def test_infinite_violations_are_equal() -> None:
    """Trials that do not report a metric would not be compared by their values."""
    known = [Point(math.inf, (2.0,)), Point(math.inf, (1.0,))]
    assert front.first_front(known) == [1]
