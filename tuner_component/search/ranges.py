"""Which numbers an option may be, declared once, at its field.

The fields of `options` are made with `number`. TuneArgs, which have the same numbers under
the pipeline's names, are checked by these ranges too.
"""

import dataclasses
import math
from typing import Any


@dataclasses.dataclass(frozen=True)
class Range:
    """Which numbers an option may be.

    Attributes:
        least: The smallest number.
        whole: Whether it must be a whole number.
        above: Whether it must be above `least`.
        of_gpus: Whether above 1 it must be whole, because a worker can share one GPU or
            own several.
        left_out: What leaving the option out is good for, to end the error message.
        of_workers: Whether the option has no effect on a search in process.
    """

    least: int = 0
    whole: bool = False
    above: bool = False
    of_gpus: bool = False
    left_out: str = "for the default"
    of_workers: bool = False

    def check(self, name: str, value: Any) -> None:
        """Checks a number.

        Args:
            name: What the user calls the option.
            value: What the user gave.

        Raises:
            TypeError: If it is not a number, or must be a whole number and is not.
            ValueError: If it is out of this range.
        """
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong_type(name, value)
        if self.whole and not isinstance(value, int):
            raise self._wrong_type(name, value)
        expected = self._expected()
        if not math.isfinite(value):
            expected = "finite"
        elif self._holds(value):
            return
        raise ValueError(
            f"Expected {name} to be {expected}. Received: {value!r}. Leave it out "
            f"{self.left_out}."
        )

    def _wrong_type(self, name: str, value: Any) -> TypeError:
        return TypeError(
            f"Expected {name} to be a {'whole ' if self.whole else ''}number. Received: "
            f"{value!r} of type {type(value).__name__}."
        )

    def _holds(self, value: float) -> bool:
        if self.of_gpus and value > 1:
            return value == int(value)
        return value > self.least or (value == self.least and not self.above)

    def _expected(self) -> str:
        if self.of_gpus:
            return (
                "0 or more, and a whole number above 1 (a worker can share one GPU or "
                "own several)"
            )
        return f"more than {self.least}" if self.above else f"{self.least} or more"


def ranges(options: Any) -> dict[str, Range]:
    """Returns the ranges of all numbers of an options dataclass, by field name."""
    return {
        field.name: field.metadata["range"]
        for field in dataclasses.fields(options)
        if "range" in field.metadata
    }


def number(default: Any, allowed: Range) -> Any:
    """A field that holds its default or a number of the range."""
    return dataclasses.field(default=default, metadata={"range": allowed})


def check_numbers(options: Any, prefix: str = "") -> None:
    """Checks all numbers that are not the default, which may be None.

    Args:
        options: Of a dataclass with fields made by `number`.
        prefix: What errors write before the name of an option.

    Raises:
        TypeError: If a value is not a number, or not a whole one where it must be.
        ValueError: If one is out of its range.
    """
    for name, allowed in ranges(options).items():
        value = getattr(options, name)
        if value is not getattr(type(options), name):
            allowed.check(f"{prefix}{name}", value)
