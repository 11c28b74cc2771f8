"""What a planner knows of its trials."""

import dataclasses
import enum
import math
import statistics
from typing import Any

from tuner_component.oracles.auto.curve_model import Array
from tuner_component.oracles.auto.encoding import Key


class Status(enum.Enum):
    """Where a trial is."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


@dataclasses.dataclass
class Trial:
    """A trial, or a result of an earlier search.

    Attributes:
        key: What tells its point from others.
        numbers: Its point.
        vector: Its point, as a model sees it.
        earlier: Whether it is of an earlier search.
        status: Where it is.
        reached: Its best value by then, by the number of epochs; smaller is better, and
            NaN stands for none.
        seconds: The seconds of an epoch, as often as they were told.
    """

    key: Key
    numbers: Array
    vector: Array
    earlier: bool = False
    status: Status = Status.RUNNING
    reached: dict[int, float] = dataclasses.field(default_factory=dict)
    seconds: list[float] = dataclasses.field(default_factory=list)

    @property
    def epochs(self) -> int:
        """The epochs that it has been trained for, while it was well."""
        well = (after for after, value in self.reached.items() if math.isfinite(value))
        return max(well, default=0)

    @property
    def best(self) -> float:
        """Its best value; infinite if it has none."""
        values = [value for value in self.reached.values() if math.isfinite(value)]
        return min(values, default=math.inf)

    @property
    def epoch_s(self) -> float:
        """The seconds of an epoch; NaN if they are not known."""
        return statistics.median(self.seconds) if self.seconds else math.nan

    def take(self, epochs: int, value: float) -> bool:
        """Takes a value after so many epochs; returns whether it was not known before."""
        if epochs in self.reached:
            return False
        before = [known for after, known in self.reached.items() if after < epochs]
        good = [known for known in (*before, value) if math.isfinite(known)]
        self.reached[epochs] = min(good) if math.isfinite(value) else math.nan
        return True


Trials = dict[Any, Trial]
