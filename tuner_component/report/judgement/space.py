"""Where in its range the value of a hyperparameter lies, and what its default is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuner_component.report.importance import is_number
from tuner_component.report.record import StudyRecord

# Values that are as far apart as rounding makes them are the same.
_SAME = 1e-9
_ABSENT = object()


@dataclasses.dataclass(frozen=True)
class Range:
    """The values that a hyperparameter may have.

    Attributes:
        name: Its name.
        kind: "Int", "Float", "Choice", "Boolean" or "Fixed", as KerasTuner calls it.
        default: The value that it has if no search chooses one.
        low: The smallest number; None if the values are no numbers.
        high: The largest number.
        logarithmic: Whether it is searched by its order of magnitude.
        values: What there is to choose from, if it is a choice.
    """

    name: str
    kind: str
    default: Any
    low: float | None = None
    high: float | None = None
    logarithmic: bool = False
    values: Sequence[Any] = ()

    def position(self, value: Any) -> float | None:
        """How far up in its range a number lies, from 0 to 1; None if it has no place."""
        if self.low is None or self.high is None or not is_number(value):
            return None
        if self.values:
            ordered = sorted(self.values)
            return (
                ordered.index(value) / (len(ordered) - 1) if value in ordered else None
            )
        low, high, here = self.low, self.high, float(value)
        if self.logarithmic and low > 0 and here > 0:
            low, high, here = math.log(low), math.log(high), math.log(here)
        return min(1.0, max(0.0, (here - low) / (high - low))) if high > low else None


def ranges(study: StudyRecord) -> dict[str, Range]:
    """The ranges of the search space by the names of hyperparameters.

    A name that stands for several ranges, under different conditions, is left out: where
    in its range a value lies could not be said.
    """
    found: dict[str, Range] = {}
    several: set[str] = set()
    for entry in study.spaces.get(study.space or "", ()):
        one = range_of(entry)
        if one is None:
            continue
        if found.setdefault(one.name, one) != one:
            several.add(one.name)
    return {name: one for name, one in found.items() if name not in several}


def range_of(entry: Any) -> Range | None:
    """The range of an entry of a space; None if it is not as KerasTuner writes it."""
    config = entry.get("config") if isinstance(entry, Mapping) else None
    if not isinstance(config, Mapping) or not isinstance(config.get("name"), str):
        return None
    kind, name = str(entry.get("class_name")), config["name"]
    default = config.get("default")
    if kind in ("Int", "Float"):
        low, high = config.get("min_value"), config.get("max_value")
        if not (is_number(low) and is_number(high)):
            return None
        sampling = config.get("sampling") == "log"
        return Range(
            name, kind, low if default is None else default, low, high, sampling
        )
    if kind == "Choice":
        values = config.get("values")
        known = list(values) if isinstance(values, (list, tuple)) else []
        return _choice(name, default, known)
    if kind == "Boolean":
        return Range(name, kind, bool(default))
    return Range(name, kind, config.get("value"))


def _choice(name: str, default: Any, values: list[Any]) -> Range | None:
    if not values:
        return None
    if default is None and None not in values:
        default = values[0]
    if len(values) > 1 and all(map(is_number, values)):
        return Range(
            name, "Choice", default, min(values), max(values), False, tuple(values)
        )
    return Range(name, "Choice", default, values=tuple(values))


def is_default(values: Mapping[str, Any], known: Mapping[str, Range]) -> bool:
    """Whether all hyperparameters of a trial have their defaults.

    Args:
        values: Those of the trial, without what KerasTuner keeps for itself.
        known: The ranges of all of them.
    """
    return bool(values) and all(
        name in known and same(value, known[name].default)
        for name, value in values.items()
    )


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, but for how numbers are rounded."""
    if is_number(one) and is_number(other):
        return math.isclose(one, other, rel_tol=_SAME, abs_tol=1e-300)
    return bool(one == other) and type(one) is type(other)


def distances(
    configurations: Sequence[Mapping[str, Any]], known: Mapping[str, Range]
) -> Any:
    """How different configurations are, each from each: a square array.

    Each hyperparameter counts up to 1: how far apart two numbers are in their range, else
    whether two values differ, or only one of the two configurations has it.
    """
    total = np.zeros((len(configurations), len(configurations)))
    for name in {name for values in configurations for name in values}:
        column = [values.get(name, _ABSENT) for values in configurations]
        one = known.get(name)
        places = [
            one.position(value) if one and value is not _ABSENT else None
            for value in column
        ]
        numbers = np.array([math.nan if p is None else p for p in places])
        kinds = {str(value): i for i, value in enumerate(column)}
        codes = np.array([kinds[str(value)] for value in column])
        differ = (codes[:, None] != codes[None, :]).astype(float)
        gaps = np.abs(numbers[:, None] - numbers[None, :])
        total += np.where(np.isnan(gaps), differ, gaps)
    return total
