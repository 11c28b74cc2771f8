"""Which of several points are worth having, where no single number says it.

Smaller values are better in each objective. A point dominates another one if it is no
worse in any objective, and better in one. Points that violate constraints are compared by
how far they do, and by their values if they do so equally; those that meet them dominate
all that do not (Deb et al. 2002, https://doi.org/10.1109/4235.996017).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Point(NamedTuple):
    """What a trial comes to. Points are ordered so that none dominates an earlier one.

    Attributes:
        violation: How far it is from meeting the constraints; 0 if it does.
        values: Of the objectives; smaller is better.
    """

    violation: float
    values: tuple[float, ...]


def dominates(one: Point, other: Point) -> bool:
    """Whether the first point makes the second one superfluous."""
    if one.violation != other.violation:
        return one.violation < other.violation
    return one.values != other.values and all(
        a <= b for a, b in zip(one.values, other.values, strict=True)
    )


def first_front(points: Sequence[Point]) -> list[int]:
    """The places of the points that no other one dominates, in their order."""
    found: list[int] = []
    for place in _sorted(points):
        # Whatever is dominated at all is dominated by one of these.
        if not _is_dominated(points, place, found):
            found.append(place)
    return sorted(found)


def fronts(points: Sequence[Point]) -> list[list[int]]:
    """All places by non-dominated sorting: each front is the first one of the rest.

    Within a front those with the most room around them come first.
    """
    found: list[list[int]] = []
    for place in _sorted(points):
        for front in found:
            if not _is_dominated(points, place, front):
                front.append(place)
                break
        else:
            found.append([place])
    return [_by_room(points, sorted(front)) for front in found]


def rank(points: Sequence[Point], place: int) -> int:
    """How many points come before one in the non-dominated sorting; 0 on the front."""
    point = points[place]
    if not any(dominates(other, point) for other in points):
        return 0
    before = 0
    for front in fronts(points):
        if place in front:
            return before + front.index(place)
        before += len(front)
    raise ValueError(f"Expected a place of {len(points)} points. Received: {place}.")


def most_balanced(points: Sequence[Point], front: Sequence[int]) -> int:
    """The place of the point of a front that is closest to the ideal one.

    The ideal point has the best value of each objective. Distances are Euclidean, with
    each objective scaled to its range over the front. Of equal ones the first counts.
    """
    columns = [
        _scaled(column)
        for column in zip(*(points[i].values for i in front), strict=True)
    ]
    distances = [math.hypot(*row) for row in zip(*columns, strict=True)]
    return front[distances.index(min(distances))]


def _is_dominated(points: Sequence[Point], place: int, front: list[int]) -> bool:
    """Whether one of a front dominates a point that is behind all of it in their order.

    Along a front of two objectives the second one falls: if the latest does not dominate
    the point, none does. With more, the latest are the nearest, and the most likely ones.
    """
    last = front[-1:] if len(points[place].values) < 3 else front[::-1]
    return any(dominates(points[i], points[place]) for i in last)


def _sorted(points: Sequence[Point]) -> list[int]:
    return sorted(range(len(points)), key=lambda place: points[place])


def _scaled(values: Sequence[float]) -> list[float]:
    """From 0 to 1; halved before, so that no difference is infinite."""
    low, high = min(values) / 2, max(values) / 2
    extent = (high - low) or 1.0
    return [(value / 2 - low) / extent for value in values]


def _by_room(points: Sequence[Point], front: list[int]) -> list[int]:
    """A front by crowding distance (Deb et al. 2002), the largest first."""
    room = dict.fromkeys(front, 0.0)
    for column in range(len(points[front[0]].values)):
        values = {place: points[place].values[column] for place in front}
        order = sorted(front, key=lambda place: values[place])
        scaled = _scaled([values[place] for place in order])
        room[order[0]] = room[order[-1]] = math.inf
        for before, place, after in zip(
            range(len(order)), order[1:-1], range(2, len(order)), strict=False
        ):
            room[place] += scaled[after] - scaled[before]
    return sorted(front, key=lambda place: -room[place])
