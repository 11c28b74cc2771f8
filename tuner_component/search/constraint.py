"""A constraint on what a trial may come to, as people write it: `size <= 5e6`."""

import dataclasses
import math
import operator
import re
from collections.abc import Mapping

_HOLDS = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_FORM = re.compile(r"\s*([^<>=]*[^<>=\s])\s*(<=|>=|<|>)\s*([^<>=\s]+)\s*")
# What misses a bound by nothing, as 5 does in "x < 5", misses it all the same.
_LEAST = math.ulp(0.0)


@dataclasses.dataclass(frozen=True)
class Constraint:
    """A bound of a metric.

    Attributes:
        metric: Its name.
        relation: "<=", ">=", "<" or ">".
        bound: A finite number.
    """

    metric: str
    relation: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> "Constraint":
        """Reads a constraint.

        Raises:
            ValueError: If it is not of the form METRIC <= NUMBER.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise _wrong(text, "Write one bound of one metric in each constraint.")
        metric, relation, number = found.groups()
        try:
            bound = float(number)
        except ValueError:
            raise _wrong(text, f"{number!r} is no number.") from None
        if not math.isfinite(bound):
            raise _wrong(text, f"{number!r} is no bound: leave the constraint out.")
        return cls(metric, relation, bound)

    def __str__(self) -> str:
        """The constraint as `parse` reads it; equal ones have the same text."""
        short = f"{self.bound:g}"
        exact = short if float(short) == self.bound else repr(self.bound)
        return f"{self.metric} {self.relation} {exact}"

    def violation(self, metrics: Mapping[str, float]) -> float:
        """How far metrics are from meeting it, as a share of the bound; 0 if they do.

        It is infinite if the metric is not there, or is no number.
        """
        value = metrics.get(self.metric, math.nan)
        if math.isnan(value):
            return math.inf
        if _HOLDS[self.relation](value, self.bound):
            return 0.0
        return max(abs(value - self.bound) / (abs(self.bound) or 1.0), _LEAST)


def _wrong(text: object, remedy: str) -> ValueError:
    return ValueError(
        "Expected a constraint of the form METRIC <= NUMBER (or with >=, < or >), such "
        f'as "size <= 5e6". Received: {text!r}. {remedy}'
    )
