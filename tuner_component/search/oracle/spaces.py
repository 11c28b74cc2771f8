"""Search spaces as journal records, and back.

A trial of KerasTuner carries the whole search space. Trials mostly share it, so the
journal keeps each distinct space once and trials refer to it by a key; on the way back
they share the same hyperparameter objects, which nothing ever mutates.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner

from tuner_component.search.storage import plain


class SpaceTable:
    """The distinct search spaces of a study, by key."""

    def __init__(self) -> None:
        """Creates an empty table."""
        self._spaces: dict[str, Sequence[Any]] = {}
        self._latest = ""

    def key(self, hyperparameters: Any) -> tuple[str, list[Any] | None]:
        """Looks a space up.

        Args:
            hyperparameters: `keras_tuner.HyperParameters`.

        Returns:
            The key of its space, and what to journal for `add` if it is new here.
        """
        space = hyperparameters.space
        if self._latest and _same(space, self._spaces[self._latest]):
            return self._latest, None
        entries = plain.encode(hyperparameters.get_config()["space"])
        # By content, so that a space whose record was lost gets its key back.
        key = hashlib.sha256(json.dumps(entries).encode()).hexdigest()[:12]
        if key in self._spaces:
            self._latest = key
            return key, None
        self.add(key, entries)
        return key, entries

    def add(self, key: str, entries: Sequence[Any]) -> None:
        """Takes up a space read from the journal."""
        config = {"space": plain.decode(entries), "values": {}}
        self._spaces[key] = keras_tuner.HyperParameters.from_config(config).space
        self._latest = key

    def hyperparameters(self, key: str, values: Mapping[str, Any]) -> Any:
        """`keras_tuner.HyperParameters` with a known space and these values.

        A space whose record was lost is taken as empty.
        """
        result = keras_tuner.HyperParameters()
        for hyperparameter in self._spaces.get(key, ()):
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
