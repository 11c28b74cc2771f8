"""What is known before a search begins, as plain data."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known before a search begins.

    Attributes:
        points: Values of hyperparameters, to be tried first and in this order.
        results: Values and score of earlier trials with the same objective.
    """

    points: tuple[Mapping[str, Any], ...] = ()
    results: tuple[tuple[Mapping[str, Any], float], ...] = ()


NOTHING = Known()
