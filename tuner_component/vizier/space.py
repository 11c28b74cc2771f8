"""A search space of KerasTuner's in the words of a service, and its values back."""

import itertools
import json
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from keras_tuner.engine import hyperparameters as hp_lib

from tuner_component.search.space.dimensions import Dimension
from tuner_component.vizier.service import Parameter, Scale

# A service lists so many numbers at most, and tells those apart that differ by this much.
_MOST_LISTED = 1000
_LEAST_GAP = 1e-10


class Translation:
    """One hyperparameter, and its parameter.

    What has steps is listed as long as there are not too many of them; otherwise the
    numbers of steps are the parameter's values. Choices of numbers stay numbers if they
    are ordered. All else becomes text.

    Attributes:
        dimension: The hyperparameter.
        parameter: What the service is told of it, less what depends on it.
    """

    def __init__(self, dimension: Dimension, parameter_id: str) -> None:
        self.dimension = dimension
        # By what the service is told; empty for a range.
        self._listed: dict[float | str, Any] = {}
        self._by_step = False
        self.parameter = self._parameter(parameter_id)

    def _parameter(self, parameter_id: str) -> Parameter:
        hp, size = self.dimension.hp, self.dimension.size
        scale = Scale(getattr(hp, "sampling", None) or "linear")
        if isinstance(hp, (hp_lib.Int, hp_lib.Float)):
            if size == 1:
                self._listed = {_label(hp.min_value): hp.min_value}
                return Parameter(parameter_id, tuple(self._listed))
            # KerasTuner's whole numbers have the step 1 where none is given.
            if self.dimension.steps is None or (hp.step, hp.sampling) == (1, "linear"):
                return Parameter(*(parameter_id, (), hp.min_value, hp.max_value, scale))
        values = [self.dimension.value(n) for n in range(min(size or 0, _MOST_LISTED))]
        if (size or 0) > _MOST_LISTED:
            self._by_step = True
            return Parameter(parameter_id, (), 0, (size or 0) - 1)
        if self.dimension.ordered and _are_listable(values):
            self._listed = {float(value): value for value in values}
            if values[0] <= 0:
                scale = Scale.LINEAR
            return Parameter(parameter_id, tuple(self._listed), scale=scale)
        self._listed = dict(zip(_labels(values), values, strict=True))
        return Parameter(parameter_id, tuple(self._listed))

    def told(self, value: Any) -> float | str | None:
        """What the service is told in place of a value; None if it has none."""
        number = self.dimension.number(value)
        if number is None:
            return None
        if self._by_step:
            return int(number)
        if not self._listed:
            return value  # type: ignore[no-any-return]
        same = type(value) if isinstance(value, bool) else object
        for told, known in self._listed.items():
            if isinstance(known, same) and _equal(known, value):
                return told
        return None

    def value(self, told: Any) -> Any:
        """The value that the service means; None if it means none."""
        if isinstance(told, str) or not self._numeric:
            return self._listed.get(told)
        number = isinstance(told, (int, float)) and not isinstance(told, bool)
        if not number or not math.isfinite(told):
            return None
        if self._by_step:
            steps = self.dimension.steps or 1
            return self.dimension.value(told) if 0 <= told < steps else None
        if self._listed:
            nearest = min(self._listed, key=lambda known: abs(float(known) - told))
            close = math.isclose(float(nearest), told, rel_tol=1e-6, abs_tol=1e-9)
            return self._listed[nearest] if close else None
        whole = isinstance(self.dimension.hp, hp_lib.Int)
        value = int(told) if whole and told == int(told) else float(told)
        if self.dimension.number(value) is None:
            return None
        hp = self.dimension.hp  # A service may be off by what floats are off.
        return type(value)(min(max(value, hp.min_value), hp.max_value))

    @property
    def _numeric(self) -> bool:
        return not any(isinstance(told, str) for told in self._listed)


class SpaceTranslation:
    """A whole search space.

    Args:
        dimensions: Parents come before what depends on them.
        nested: Whether what depends on others is told so. Otherwise it always has a value,
            which means nothing where it does not exist.

    Attributes:
        parameters: What the service is told.
    """

    def __init__(self, dimensions: Sequence[Dimension], nested: bool) -> None:
        names: dict[str, int] = {}
        self._each: dict[str, Translation] = {}
        for dimension in dimensions:
            count = names[dimension.name] = names.get(dimension.name, 0) + 1
            mark = f" ({count})" if count > 1 else ""
            translation = Translation(dimension, f"{dimension.name}{mark}")
            self._each[dimension.key] = translation
        parents = self._parents() if nested else {}
        self.parameters = tuple(
            self._tree(key, parents) for key in self._each if key not in parents
        )

    def _parents(self) -> dict[str, tuple[str, tuple[Any, ...]]]:
        """Of what depends on another one: the key of that, and its values there."""
        found = {}
        for key, translation in self._each.items():
            conditions = translation.dimension.hp.conditions
            if not conditions:
                continue
            *outer, last = conditions
            above = [one.get_config() for one in outer]
            parent = json.dumps([last.name, above]) if above else last.name
            if parent not in self._each:
                continue
            known = self._each[parent]
            values = tuple(known.told(value) for value in last.values)
            # A service knows no condition on a float.
            ranged = isinstance(known.parameter.low, float)
            if None not in values and not (ranged and not known.parameter.values):
                found[key] = parent, values
        return found

    def _tree(
        self, key: str, parents: Mapping[str, tuple[str, tuple[Any, ...]]]
    ) -> Parameter:
        own = self._each[key].parameter
        children = tuple(
            (values, self._tree(child, parents))
            for child, (parent, values) in parents.items()
            if parent == key
        )
        return Parameter(
            *(own.id, own.values, own.low, own.high, own.scale), children=children
        )

    def known(self, told: Mapping[str, Any]) -> dict[str, Any] | None:
        """The part of a point that the service knows; None if it is none of the space."""
        every = [translation.dimension for translation in self._each.values()]
        return self.values(told, every, random.Random(0))

    def values(
        self,
        told: Mapping[str, Any],
        dimensions: Sequence[Dimension],
        draw: random.Random,
    ) -> dict[str, Any] | None:
        """The point that the service means; None if it is none of the search space.

        Args:
            told: What the service says, by the ids of parameters.
            dimensions: The search space by now.
            draw: For what the service does not know: it was found during the search.
        """
        found: dict[str, Any] = {}
        for dimension in dimensions:
            if dimension.name in found or not dimension.is_active(found):
                continue
            translation = self._each.get(dimension.key)
            if translation is None:
                found[dimension.name] = next(dimension.draws(draw))
                continue
            value = translation.value(told.get(translation.parameter.id))
            if value is None:
                return None
            found[dimension.name] = value
        return found

    def told(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """A point in the service's words; None if it is not in the space it knows.

        A service without conditional parameters is told a value for each: the first one
        of those that do not exist at this point.
        """
        found: dict[str, Any] = {}
        for translation in self._each.values():
            dimension, parameter = translation.dimension, translation.parameter
            if dimension.name in values and dimension.is_active(values):
                told = translation.told(values[dimension.name])
                if told is None:
                    return None
                found[parameter.id] = told
        flat = [p for p in self.parameters if p.id not in found]
        for parameter in flat:
            found[parameter.id] = (*parameter.values, parameter.low)[0]
        return found


def _label(value: Any) -> str:
    return value if isinstance(value, str) and value else repr(value)


def _labels(values: Sequence[Any]) -> list[str]:
    """Text for each value, no two alike: 1 and "1" are different."""
    labels = [_label(value) for value in values]
    if len(set(labels)) == len(labels):
        return labels
    return [f"{number}: {label}" for number, label in enumerate(labels)]


def _are_listable(values: Sequence[Any]) -> bool:
    """Whether these are numbers that a service can list as such."""
    if any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in values):
        return False
    pairs = itertools.pairwise(values)
    apart = all(later - former > _LEAST_GAP for former, later in pairs)
    return apart and all(float(value) == value for value in values)


def _equal(known: Any, value: Any) -> bool:
    if isinstance(known, float) and isinstance(value, (int, float)):
        return math.isclose(known, value, rel_tol=1e-6, abs_tol=1e-12)
    return bool(known == value)
