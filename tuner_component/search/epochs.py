"""What a trial says of an epoch, and what it is answered."""

import enum
import operator
import reprlib
from collections.abc import Mapping
from typing import Any


class Decision(enum.Enum):
    """What becomes of a trial after an epoch."""

    GO_ON = "go on"
    PAUSE = "pause"
    STOP = "stop"


# Curves are lists by epoch, by training: a number out of this world would fill the memory.
MAX_EPOCHS = 1_000_000
MAX_TRAININGS = 10_000


def checked_epoch(
    fit: Any, epoch: Any, metrics: Any
) -> tuple[int, int, dict[str, float]]:
    """Checks what a trial says of an epoch, where it says it and where that arrives.

    Args:
        fit: Number of the training within the trial, from 0.
        epoch: Number of the epoch, from 0.
        metrics: The metrics after it.

    Returns:
        The same, as Python's own numbers.

    Raises:
        TypeError: If a number is none, or not a whole one.
        ValueError: If a number is negative, or too large to be one.
    """
    if not isinstance(metrics, Mapping) or not all(
        isinstance(name, str) and isinstance(value, (int, float))
        for name, value in metrics.items()
    ):
        raise TypeError(
            "Expected metrics to be a dictionary of numbers by their names. Received: "
            f"{reprlib.repr(metrics)}. Write report_epoch({{'val_loss': value}})."
        )
    return (
        _counted("training", fit, MAX_TRAININGS),
        _counted("epoch", epoch, MAX_EPOCHS),
        {name: float(value) for name, value in metrics.items()},
    )


def _counted(name: str, value: Any, limit: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(
            f"Expected {name} to be a whole number. Received: {reprlib.repr(value)} of "
            f"type {type(value).__name__}. Count from 0."
        ) from None
    if not 0 <= number < limit:
        raise ValueError(
            f"Expected {name} to be from 0 to {limit - 1}. Received: "
            f"{reprlib.repr(number)}. Count from 0, and report every tenth step, say, if "
            "there are more."
        )
    return number
