"""Points of a search space as vectors that a model can compare.

A point has two forms. Its numbers, one for each dimension, say which it is; NaN stands for
a dimension that is inactive there. Its vector says which points are alike: an ordered
dimension is a coordinate from 0 to 1, an unordered one has a coordinate for each of its
values, and one that may be inactive has a coordinate more, so that being inactive is a
value of its own.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuner_component.planner.arrays import Array
from tuner_component.search.space import points
from tuner_component.search.space.dimensions import Dimension

Key = tuple[float, ...]

# Two different values of an unordered dimension are as far apart as both ends of an
# ordered one.
_CORNER = math.sqrt(0.5)
# In the key of a point: no number of a dimension's.
_INACTIVE = -1.0


class Encoder:
    """A search space, between its values and vectors.

    Attributes:
        dimensions: The dimensions, parents before what depends on them.
        groups: For each coordinate of a vector, the number of its dimension.
    """

    def __init__(self, dimensions: Sequence[Dimension]) -> None:
        """Describes a space."""
        self.dimensions = list(dimensions)
        names = [dimension.name for dimension in dimensions]
        self._conditional = [
            bool(dimension.hp.conditions) or names.index(dimension.name) < place
            for place, dimension in enumerate(dimensions)
        ]
        widths = [
            (1 if one.ordered else one.steps or 1) + conditional
            for one, conditional in zip(dimensions, self._conditional, strict=True)
        ]
        self.groups = np.repeat(np.arange(len(widths)), widths)
        self._begins = [0, *itertools.accumulate(widths)][:-1]
        # Of each dimension the numbers of its values, as far as they were looked up.
        self._numbers: list[dict[Any, float]] = [{} for _ in self.dimensions]
        self._active: dict[tuple[int, Key], bool] = {}

    def numbers(self, values: Mapping[str, Any]) -> Array | None:
        """The numbers of a point; None if a value is none of its dimension's."""
        found = np.full(len(self.dimensions), np.nan)
        for place, dimension, value in points.active(self.dimensions, values):
            number = dimension.number(value)
            if number is not None:
                found[place] = number
            elif dimension.name in values:
                return None
        return found

    def values(self, numbers: Array) -> dict[str, Any]:
        """The values that are active at a point."""
        pairs = zip(self.dimensions, numbers, strict=True)
        return {
            dimension.name: dimension.value(float(number))
            for dimension, number in pairs
            if not math.isnan(number)
        }

    def keys(self, numbers: Array) -> list[Key]:
        """What tells points apart, one for each row of numbers."""
        return [
            tuple(row)
            for row in np.nan_to_num(numbers, nan=_INACTIVE).round(6).tolist()
        ]

    def vectors(self, numbers: Array) -> Array:
        """The vectors of points, one for each row of numbers."""
        found: Array = np.zeros((len(numbers), len(self.groups)))
        for place, dimension in enumerate(self.dimensions):
            begin, column = self._begins[place], numbers[:, place]
            inactive = np.isnan(column)
            if dimension.ordered:
                scale = 1.0 if dimension.steps is None else max(dimension.steps - 1, 1)
                found[:, begin] = np.where(inactive, 0.5, column / scale)
            else:
                active = np.flatnonzero(~inactive)
                found[active, begin + column[active].astype(int)] = _CORNER
            if self._conditional[place]:
                last = begin + np.count_nonzero(self.groups == place) - 1
                found[inactive, last] = _CORNER
        return found

    def drawn(self, units: Array) -> Array:
        """The numbers of points, from rows of the unit cube, a coordinate a dimension."""
        found = np.full(units.shape, np.nan)
        for place, dimension in enumerate(self.dimensions):
            steps = dimension.steps
            column = units[:, place]
            if steps is not None:
                column = np.minimum(np.floor(column * steps), steps - 1)
            found[:, place] = self._snapped(column, place)
            self._deactivate(found, place)
        return found

    def mutated(self, numbers: Array, draw: np.random.Generator) -> Array:
        """Points near to others: one to three dimensions have changed, mostly a little."""
        many, size = numbers.shape
        changed = draw.random((many, size)).argsort(axis=1) < draw.integers(
            1, min(size, 3) + 1, size=(many, 1)
        )
        units = draw.random((many, size))
        near = draw.normal(0.0, 1.0, (many, size))
        far = draw.random((many, size)) < 0.25
        found = np.full(numbers.shape, np.nan)
        for place, dimension in enumerate(self.dimensions):
            old, steps = numbers[:, place], dimension.steps
            anywhere = units[:, place]
            if steps is not None:
                anywhere = np.minimum(np.floor(anywhere * steps), steps - 1)
            beside = anywhere
            if dimension.ordered and steps is None:
                beside = np.clip(old + 0.1 * near[:, place], 0.0, 1.0)
            elif dimension.ordered:
                step = np.sign(near[:, place]) * np.ceil(
                    np.abs(near[:, place]) * max(0.05 * (steps or 1), 0.5)
                )
                beside = np.clip(old + step, 0, (steps or 1) - 1)
            new = np.where(far[:, place] | np.isnan(beside), anywhere, beside)
            keep = ~changed[:, place] & ~np.isnan(old)
            found[:, place] = np.where(keep, old, self._snapped(new, place))
            self._deactivate(found, place)
        return found

    def size(self, enough: int) -> int | None:
        """How many points there are at most; None if more than `enough`."""
        size = 1
        for dimension in self.dimensions:
            if dimension.size is None:
                return None
            size *= dimension.size
            if size > enough:
                return None
        return size

    def every(self, most: int) -> Array | None:
        """The numbers of all points; None if there could be more than `most`."""
        if self.size(most) is None:
            return None
        grid = np.indices([one.size or 1 for one in self.dimensions])
        found = grid.reshape(len(self.dimensions), -1).T.astype(float)
        for place, dimension in enumerate(self.dimensions):
            if dimension.steps is None:
                least = dimension.hp.min_value
                values = [least + step for step in range(dimension.size or 1)]
                numbers = np.array([self._number(place, value) for value in values])
                found[:, place] = numbers[found[:, place].astype(int)]
            self._deactivate(found, place)
        kept = dict(zip(self.keys(found), found, strict=True))
        return np.array(list(kept.values()))

    def _snapped(self, column: Array, place: int) -> Array:
        """Numbers as their values have them: of whole ones on a curved scale many stand
        for the same value, and would be taken for points of their own.
        """
        dimension = self.dimensions[place]
        if dimension.steps is not None or dimension.size is None:
            return column
        values = map(dimension.value, column.tolist())
        return np.array([self._number(place, value) for value in values])

    def _number(self, place: int, value: Any) -> float:
        known = self._numbers[place]
        if value not in known:
            number = self.dimensions[place].number(value)
            known[value] = math.nan if number is None else number
        return known[value]

    def _deactivate(self, numbers: Array, place: int) -> None:
        """Takes away the numbers of a dimension where it is inactive."""
        if not self._conditional[place]:
            return
        before = np.nan_to_num(numbers[:, :place], nan=_INACTIVE)
        needed = self._needed(place)
        for row, key in enumerate(map(tuple, before[:, needed].tolist())):
            if (place, key) not in self._active:
                self._active[place, key] = self._is_active(place, numbers[row, :place])
            if not self._active[place, key]:
                numbers[row, place] = np.nan

    def _needed(self, place: int) -> list[int]:
        """The dimensions before one that decide whether it is active."""
        dimension = self.dimensions[place]
        names = {condition.name for condition in dimension.hp.conditions}
        names.add(dimension.name)
        return [
            other
            for other, one in enumerate(self.dimensions[:place])
            if one.name in names
        ]

    def _is_active(self, place: int, before: Array) -> bool:
        known: dict[str, Any] = {}
        for other in self._needed(place):
            if not math.isnan(before[other]):
                one = self.dimensions[other]
                known[one.name] = one.value(float(before[other]))
        dimension = self.dimensions[place]
        return dimension.name not in known and dimension.is_active(known)
