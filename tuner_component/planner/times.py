"""How long trials take to begin, and how long an epoch of each takes.

A leg is what a worker does of a trial without a break: it builds the model, or loads a
paused one, compiles it, and trains for some epochs. Its first epoch may take ten times as
long as those after it. A trial with a leg of one epoch and another one of three tells how
much of that is the beginning: its seconds are a line of its epochs, which begins there.
"""

import math
import statistics
from collections.abc import Mapping, Sequence

# A beginning that is shorter than this is none, and a shorter epoch takes so long: what
# else a trial takes is more then, and varies.
_LEAST_S = 0.1
# How far beginnings of one search differ, as a share of their length; and epochs, of trials
# that have nothing in common.
_OF_STARTS, _OF_EPOCHS = 0.15, 0.5

Legs = Sequence[tuple[int, float]]


class Times:
    """What is known of the times of a search's trials.

    Where all is over in a moment, runs of a search are alike: epochs take the shortest time
    that counts, and a beginning is a power of two.

    Attributes:
        start_s: How many seconds a trial takes to begin; 0 if that is hardly anything,
            and None if it is not known.
        epoch_s: How many seconds an epoch takes, by trial.
    """

    def __init__(self, legs: Mapping[str, Legs] | None = None) -> None:
        """Takes what `legs` was.

        Args:
            legs: By trial: after how many epochs of a leg how many seconds had passed
                since its beginning, for some of its epochs.
        """
        self._legs = {
            trial: [(epochs, seconds) for epochs, seconds in told]
            for trial, told in (legs or {}).items()
        }
        # Of each trial of which they are known: the seconds of a beginning, and of an epoch.
        self._lines: dict[str, tuple[float, float]] = {}
        # Of each trial the sums of its squared epochs, of these times seconds, and of epochs.
        self._sums: dict[str, tuple[float, float, float]] = {}
        self.start_s: float | None = None
        self.epoch_s: dict[str, float] = {}
        for trial in self._legs:
            self._look(trial)
        self._learn()

    @property
    def legs(self) -> dict[str, list[list[float]]]:
        """All that it knows, as plain data."""
        return {trial: [[*one] for one in told] for trial, told in self._legs.items()}

    def add(self, trial: str, epochs: int, seconds: float) -> None:
        """Takes what a leg has come to.

        Args:
            trial: The trial.
            epochs: How many epochs of the leg there were by then.
            seconds: How long that took, since the trial was handed out.
        """
        leg = epochs, float(f"{seconds:.3g}")
        self._legs.setdefault(trial, []).append(leg)
        self._look(trial)
        self._learn()

    def _look(self, trial: str) -> None:
        told = self._legs[trial]
        self._sums[trial] = (
            sum(epochs**2 for epochs, _ in told),
            sum(epochs * seconds for epochs, seconds in told),
            sum(epochs for epochs, _ in told),
        )
        line = _line(told)
        if line is not None:
            self._lines[trial] = line

    def _learn(self) -> None:
        typical = 0.0
        if self._lines:
            starts, slopes = zip(*self._lines.values(), strict=True)
            start = statistics.median(starts)
            self.start_s = _power_of_two(start) if start >= _LEAST_S else 0.0
            typical = max(statistics.median(slopes), _LEAST_S)
        start = self.start_s or 0.0
        # What a beginning took more than others says nothing of epochs.
        doubt = (_OF_STARTS * start / (_OF_EPOCHS * typical)) ** 2 if start else 0.0
        for trial, (weight, seconds, epochs) in self._sums.items():
            own = (seconds - start * epochs) / weight
            if start:
                own = typical + (own - typical) * weight / (weight + doubt)
            self.epoch_s[trial] = max(own, _LEAST_S)


def _line(told: Legs) -> tuple[float, float] | None:
    """The seconds of a beginning and of an epoch; None if one of them is not known."""
    count = len(told)
    epochs, seconds = (sum(values) / count for values in zip(*told, strict=True))
    spread = sum((n - epochs) ** 2 for n, _ in told)
    if not spread:
        return None
    slope = sum((n - epochs) * (s - seconds) for n, s in told) / spread
    return seconds - slope * epochs, slope


def _power_of_two(seconds: float) -> float:
    return 2.0 ** round(math.log2(seconds))
