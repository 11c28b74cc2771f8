"""The untried point that is nearest to one that was tried.

In a space of few values a sampler that has learned suggests its favourite again and
again. What it would have learned next is whether the points beside it are even better.
"""

import collections
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tuner_component.search.space.dimensions import Dimension, points

# How far a step goes where a hyperparameter is continuous, as a share of its range.
_STEP = 0.05


def untried(
    space: Sequence[Dimension],
    tried: int,
    is_tried: Callable[[dict[str, Any]], bool],
    draw: random.Random,
) -> dict[str, Any] | None:
    """A point drawn from those that were not tried; None if there is none.

    Args:
        space: The search space.
        tried: How many points were tried.
        is_tried: Whether a point was.
        draw: Chooses among the others.
    """
    # One point more than were tried must have a new one among them.
    every = itertools.islice(points(space, draw), tried + 1)
    return next((point for point in every if not is_tried(point)), None)


def nearest(
    space: Sequence[Dimension],
    values: Mapping[str, Any],
    is_tried: Callable[[dict[str, Any]], bool],
    draw: random.Random,
) -> dict[str, Any] | None:
    """The untried point that takes the fewest steps from a point.

    A step changes one hyperparameter, to the next value if its values are ordered.

    Args:
        space: The search space.
        values: The point: the values of the hyperparameters that are active there.
        is_tried: Whether a point was tried.
        draw: Chooses among points that are equally near.

    Returns:
        The values of the hyperparameters that are active there; None if none was found.
    """
    pending = collections.deque([dict(values)])
    seen = {frozenset(values.items())}
    parents = {parent.name for one in space for parent in one.hp.conditions}
    while pending:
        for near in _neighbours(space, pending.popleft(), parents, draw):
            if (key := frozenset(near.items())) in seen:
                continue
            if not is_tried(near):
                return near
            seen.add(key)
            pending.append(near)
    return None


def _neighbours(
    space: Sequence[Dimension],
    values: dict[str, Any],
    parents: set[str],
    draw: random.Random,
) -> Iterator[dict[str, Any]]:
    steps = [
        (dimension, number)
        for dimension in space
        if dimension.name in values and dimension.is_active(values)
        for number in _beside(dimension, values[dimension.name], draw)
    ]
    draw.shuffle(steps)
    for dimension, number in steps:
        if dimension.name in parents:
            yield _moved(space, values, dimension, number, draw)
        else:  # The same ones stay active. Quick: a thousand points may be passed.
            yield {**values, dimension.name: dimension.value(number)}


def _beside(dimension: Dimension, value: Any, draw: random.Random) -> list[float]:
    number = dimension.number(value)
    if number is None:
        return []
    if dimension.steps is None:
        step = _STEP * (1 + draw.random())
        return [n for n in (number - step, number + step) if 0 <= n <= 1]
    if dimension.ordered:
        return [n for n in (number - 1, number + 1) if 0 <= n < dimension.steps]
    return [n for n in range(dimension.steps) if n != number]


def _moved(
    space: Sequence[Dimension],
    values: Mapping[str, Any],
    moved: Dimension,
    number: float,
    draw: random.Random,
) -> dict[str, Any]:
    """The point after a step; what becomes active by it is drawn."""
    found: dict[str, Any] = {}
    for dimension in space:
        name = dimension.name
        if name in found or not dimension.is_active(found):
            continue
        if dimension is moved:
            found[name] = dimension.value(number)
        elif name in values and dimension.number(values[name]) is not None:
            found[name] = values[name]
        else:
            found[name] = next(dimension.draws(draw))
    return found
