"""What a planner knows of its trials."""

import dataclasses
import enum
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuner_component.planner.arrays import Array, Integers
from tuner_component.planner.encoding import Encoder, Key
from tuner_component.planner.rungs import Rungs


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
        epochs: The epochs that it has been trained for, while it was well.
        best: Its best value; infinite if it has none.
        epoch_s: The seconds of an epoch; NaN if they are not known.
        is_whole: Whether it ended by itself.
    """

    key: Key
    numbers: Array
    vector: Array
    earlier: bool = False
    status: Status = Status.RUNNING
    reached: dict[int, float] = dataclasses.field(default_factory=dict)
    epochs: int = 0
    best: float = math.inf
    epoch_s: float = math.nan
    is_whole: bool = False

    def take(self, epochs: int, value: float) -> bool:
        """Takes a value after so many epochs; returns whether it is the first one."""
        if epochs in self.reached:
            return False
        before = [known for after, known in self.reached.items() if after < epochs]
        good = [known for known in (*before, value) if math.isfinite(known)]
        self.reached[epochs] = min(good) if math.isfinite(value) else math.nan
        if math.isfinite(value):
            self.epochs = max(self.epochs, epochs)
            self.best = min(self.best, value)
        return True

    def forget(self) -> dict[int, float]:
        """Has no values any more; returns those that it had."""
        before, self.reached = self.reached, {}
        self.epochs, self.best = 0, math.inf
        return before


class Trials(dict[Any, Trial]):
    """The trials by name, in the order in which they came.

    Attributes:
        seen: Trials and epochs of which there is a value, in the order in which they came.
        ended_after: The most epochs after which a trial ended by itself; 0 if none did.
        start_s: The seconds that it takes to begin a trial, or to go on with a paused
            one; None if that is not known yet.
    """

    def __init__(self, rungs: Rungs) -> None:
        """Starts without any."""
        super().__init__()
        self._rungs = rungs
        self.seen: list[tuple[Any, int]] = []
        self.ended_after = 0
        self.start_s: float | None = 0.0

    def add(
        self,
        name: Any,
        encoder: Encoder,
        values: Mapping[str, Any],
        earlier: bool = False,
    ) -> None:
        """Takes a trial of a new point, which runs, or one of an earlier search.

        Args:
            name: Of the trial.
            encoder: The search space.
            values: The values of its hyperparameters.
            earlier: Whether it is of an earlier search, and has ended.
        """
        numbers = encoder.numbers(values)
        if numbers is None:
            # A point of the user's, with a value that the space does not have.
            numbers = np.full(len(encoder.dimensions), np.nan)
        key, vector = encoder.keys(numbers[None])[0], encoder.vectors(numbers[None])[0]
        status = Status.ENDED if earlier else Status.RUNNING
        self[name] = Trial(key, numbers, vector, earlier, status)

    @property
    def own(self) -> int:
        """How many are of this search."""
        return sum(not one.earlier for one in self.values())

    @property
    def tried(self) -> set[Key]:
        """The points that were tried in this search."""
        return {one.key for one in self.values() if not one.earlier}

    @property
    def best(self) -> float:
        """The best value of this search; infinite if there is none."""
        own = (one.best for one in self.values() if not one.earlier)
        return min(own, default=math.inf)

    @property
    def leader(self) -> Any:
        """The name of the best one of this search; None if there is none."""
        own = [name for name, one in self.items() if not one.earlier]
        return min(own, key=lambda name: self[name].best, default=None)

    @property
    def unfinished_leader(self) -> Any:
        """The best one of this search if it is not trained to the end; None if it is."""
        leader = self.leader
        is_whole = leader is None or self[leader].epochs >= self.horizon
        return None if is_whole else leader

    @property
    def horizon(self) -> int:
        """The epochs of a whole training, as far as they are known."""
        longest = max((one.epochs for one in self.values()), default=1)
        return self._rungs.horizon(longest, self.ended_after)

    @property
    def is_horizon_known(self) -> bool:
        """Whether it is known how many epochs a whole training has."""
        return self._rungs.epochs is not None or self.ended_after > 0

    @property
    def mean_seconds(self) -> float | None:
        """How long one of this search trained, in the mean; None if that is not known."""
        known = [
            (self.start_s or 0.0) + one.epochs * one.epoch_s
            for one in self.values()
            if not math.isnan(one.epoch_s) and not one.earlier
        ]
        return statistics.fmean(known) if known else None

    @property
    def is_any_whole(self) -> bool:
        """Whether one was trained to the end."""
        end = self.horizon
        return any(one.epochs >= end for one in self.values())

    def ends(self, seen: Sequence[tuple[Any, int]]) -> Integers:
        """Which observations are of trainings to the end; the longest ones if none is.

        What has failed is none, after however many epochs.

        Args:
            seen: Trials, and after how many epochs each was observed.
        """
        end, longest = self.horizon, 0
        whole: list[int] = []
        longest_ones: list[int] = []
        for place, (name, after) in enumerate(seen):
            one = self[name]
            if math.isnan(one.reached[after]):
                continue
            if after >= end or (one.is_whole and after == one.epochs):
                whole.append(place)
            if after > longest:
                longest, longest_ones = after, []
            if after == longest:
                longest_ones.append(place)
        return np.array(whole or longest_ones, np.intp)

    def of_status(self, status: Status) -> list[Any]:
        """The names of those that are running, for example."""
        return [name for name, one in self.items() if one.status is status]

    def vectors(self, names: list[Any], width: int) -> Array:
        """Their points, as a model sees them, one in each row."""
        rows = [self[name].vector for name in names]
        return np.array(rows) if rows else np.zeros((0, width))
