"""What a planner may say of a worker that is free."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Start:
    """Train a new point.

    Attributes:
        values: The values of the hyperparameters that are active there.
    """

    values: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Continue:
    """Go on with a paused trial.

    Attributes:
        trial: Its name.
    """

    trial: Any


@dataclasses.dataclass(frozen=True)
class Wait:
    """Nothing now: what becomes of running trials decides."""


@dataclasses.dataclass(frozen=True)
class Finished:
    """Nothing more: no trial is running, and nothing is worth training."""


Step = Start | Continue | Wait | Finished
