"""KerasTuner's hyperparameters as numbers that a sampler can work with.

What has finitely many values becomes the number of the value, in its order or, for an
unordered choice, without one. What is continuous becomes a number from 0 to 1 on the
scale of its sampling, so that a sampler needs to know of no scale but the linear.
"""

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keras_tuner.engine import hyperparameters as hp_lib

# Numbers of values up to which they are listed to be looked through in random order.
_LISTED = 1 << 20


class Dimension:
    """One hyperparameter of a search space.

    Attributes:
        hp: The hyperparameter.
        name: Its name.
        key: Its name for a sampler. The same name under different conditions is a
            different hyperparameter.
        size: How many values it has; None if they are not finitely many.
        steps: How many numbers stand for values, from 0; None if those from 0.0 to 1.0
            do.
        ordered: Whether values that are near to each other are alike.
    """

    def __init__(self, hp: Any) -> None:
        """Describes a hyperparameter of KerasTuner's."""
        self.hp = hp
        self.name: str = hp.name
        conditions = [condition.get_config() for condition in hp.conditions]
        self.key = json.dumps([hp.name, conditions]) if conditions else self.name
        self.ordered = not (
            isinstance(hp, hp_lib.Boolean)
            or (isinstance(hp, hp_lib.Choice) and not hp.ordered)
        )
        self._values = _listed_values(hp)
        self.size = _size(hp) if self._values is None else len(self._values)
        stepped = self._values is not None or hp.step is not None
        self.steps = self.size if stepped else None

    def is_active(self, values: Mapping[str, Any]) -> bool:
        """Whether its conditions hold for the values of those before it."""
        return all(condition.is_active(values) for condition in self.hp.conditions)

    def value(self, number: float) -> Any:
        """The value that a sampler's number stands for."""
        if self._values is not None:
            return self._values[int(number)]
        if self.steps is not None:
            return self.hp.prob_to_value((int(number) + 0.5) / self.steps)
        # A whole number on a curved scale has no value at 1.
        end = 1.0 if self.size is None else math.nextafter(1.0, 0.0)
        value = self.hp.prob_to_value(min(max(float(number), 0.0), end))
        # The end of a logarithmic scale may be beyond the range, by what floats are off.
        return min(max(value, self.hp.min_value), self.hp.max_value)

    def number(self, value: Any) -> float | None:
        """The number that stands for a value; None if it has no such value."""
        if self._values is not None:
            matching = (
                number
                for number, known in enumerate(self._values)
                if known == value and isinstance(known, bool) == isinstance(value, bool)
            )
            return next(matching, None)
        hp = self.hp
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        if isinstance(hp, hp_lib.Int) and not float(value).is_integer():
            return None
        # KerasTuner's own last step may be beyond the end, by what floats are off.
        inside = min(max(value, hp.min_value), hp.max_value)
        if not math.isclose(inside, value, rel_tol=1e-9):
            return None
        value = inside
        if self.steps is None:
            return float(min(max(hp.value_to_prob(value), 0.0), 1.0))
        number = _nearest(hp, value)
        same = math.isclose(self.value(number), value, rel_tol=1e-6, abs_tol=1e-12)
        return number if same else None

    def draws(self, draw: random.Random) -> Iterator[Any]:
        """All its values in random order; without end if they are not finitely many."""
        if self.size is not None and self.size <= _LISTED:
            for place in draw.sample(range(self.size), self.size):
                yield (
                    self.hp.min_value + place
                    if self.steps is None
                    else (self.value(place))
                )
            return
        while True:
            number = draw.random() if self.steps is None else draw.randrange(self.steps)
            yield self.value(number)


def dimensions(space: Sequence[Any]) -> list[Dimension]:
    """Describes a search space: parents come before what depends on them."""
    return [Dimension(hp) for hp in space]


def points(
    space: Sequence[Dimension], draw: random.Random, start: dict[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """All points of a search space in random order, each with its active values.

    Without end if a continuous hyperparameter is active in each.
    """
    values = start or {}
    for place, dimension in enumerate(space):
        # Where a name occurs under several conditions, the first that holds counts.
        if dimension.name in values or not dimension.is_active(values):
            continue
        for value in dimension.draws(draw):
            yield from points(
                space[place + 1 :], draw, {**values, dimension.name: value}
            )
        return
    yield values


def _listed_values(hp: Any) -> list[Any] | None:
    if isinstance(hp, hp_lib.Boolean):
        return [False, True]
    if isinstance(hp, hp_lib.Fixed):
        return [hp.value]
    if isinstance(hp, hp_lib.Choice):
        return list(dict.fromkeys(hp.values))
    return None


def _size(hp: Any) -> int | None:
    if hp.step is not None:
        return int(hp._get_n_values())
    if hp.min_value == hp.max_value:
        return 1
    whole = isinstance(hp, hp_lib.Int)
    return int(hp.max_value - hp.min_value + 1) if whole else None


def _nearest(hp: Any, value: float) -> int:
    """The number of the step that a value is on, or nearest to."""
    if hp.sampling == "linear":
        steps: float = (value - hp.min_value) / hp.step
    elif hp.sampling == "log":
        steps = math.log(value / hp.min_value, hp.step)
    else:
        mirrored = hp.max_value + hp.min_value - value
        steps = math.log(mirrored / hp.min_value, hp.step)
    return round(steps)
