"""Trials as journal records, and back.

A trial of KerasTuner carries the whole search space. Trials mostly share it, so the
journal keeps each distinct space once and trials refer to it by number; on the way back
they share the same hyperparameter objects, which nothing ever mutates.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner

from tuner_component.search import plain


class SpaceTable:
    """The distinct search spaces of a study, numbered."""

    def __init__(self) -> None:
        """Creates an empty table."""
        self._number_of: dict[str, int] = {}
        self._spaces: dict[int, Sequence[Any]] = {}
        self._latest: int | None = None

    def number(self, hyperparameters: Any) -> tuple[int, list[Any] | None]:
        """Looks a space up.

        Args:
            hyperparameters: `keras_tuner.HyperParameters`.

        Returns:
            The number of its space, and what to journal for `add` if it is new here.
        """
        space = hyperparameters.space
        if self._latest is not None and _same(space, self._spaces[self._latest]):
            return self._latest, None
        entries = plain.encode(hyperparameters.get_config()["space"])
        key = json.dumps(entries)
        known = self._number_of.get(key)
        if known is not None:
            self._latest = known
            return known, None
        number = max(self._spaces, default=-1) + 1
        self.add(number, entries)
        return number, entries

    def add(self, number: int, entries: Sequence[Any]) -> None:
        """Takes up a space read from the journal."""
        self._number_of[json.dumps(entries)] = number
        config = {"space": plain.decode(entries), "values": {}}
        restored = keras_tuner.HyperParameters.from_config(config)
        self._spaces[number] = restored.space
        self._latest = number

    def hyperparameters(self, number: int, values: Mapping[str, Any]) -> Any:
        """`keras_tuner.HyperParameters` with a known space and these values.

        A space whose record was lost is taken as empty.
        """
        result = keras_tuner.HyperParameters()
        for hyperparameter in self._spaces.get(number, ()):
            result._hps[hyperparameter.name].append(hyperparameter)
            result._space.append(hyperparameter)
        result.values = dict(values)
        return result


def _same(some: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether two spaces have equal hyperparameters; quicker than their configurations."""
    return len(some) == len(others) and all(
        type(a) is type(b) and vars(a) == vars(b)
        for a, b in zip(some, others, strict=True)
    )
