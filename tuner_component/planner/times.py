"""How long trials take to begin, and how long an epoch of each takes.

A leg is what a worker does of a trial without a break: it builds the model, or loads a
paused one, compiles it, and trains for some epochs. Its first epoch may take ten times as
long as those after it. A trial with a leg of one epoch and another one of three tells how
much of that is the beginning: its seconds are a line of its epochs, which begins there.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

# A beginning that is shorter than this is none.
_LEAST_START_S = 0.75
# Without a beginning, shorter epochs count as so long: what else a trial takes is more
# then, and varies. With one, as this share of it: whatever is less hardly matters.
_LEAST_EPOCH_S, _LEAST_SHARE = 1.0, 1 / 16

Legs = Sequence[tuple[int, float]]


class Times:
    """What is known of the times of a search's trials.

    All of them are powers of two: what is about as long must not decide, since no two runs
    of a search would be alike.

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
        self._legs: dict[str, list[tuple[int, float]]] = {}
        # Of each trial of which they are known: the seconds of a beginning, and of an epoch.
        self._lines: dict[str, tuple[float, float]] = {}
        self.start_s: float | None = None
        self.epoch_s: dict[str, float] = {}
        for trial, told in (legs or {}).items():
            self._legs[trial] = [(epochs, seconds) for epochs, seconds in told]
            self._look(trial)
        self._learn(self._legs)

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
        self._learn([trial])

    def _look(self, trial: str) -> None:
        line = _line(self._legs[trial])
        if line is not None:
            self._lines[trial] = line

    def _learn(self, trials: Iterable[str]) -> None:
        before = self.start_s
        if self._lines:
            start = statistics.median(start for start, _ in self._lines.values())
            self.start_s = _power_of_two(start) if start >= _LEAST_START_S else 0.0
        for trial in trials if self.start_s == before else self._legs:
            least = (self.start_s or 0.0) * _LEAST_SHARE or _LEAST_EPOCH_S
            self.epoch_s[trial] = _power_of_two(max(self._epoch_s(trial), least))

    def _epoch_s(self, trial: str) -> float:
        start, line = self.start_s or 0.0, self._lines.get(trial)
        if start and line is not None:
            return line[1]
        each = ((s - start) / epochs for epochs, s in self._legs[trial])
        return statistics.median(each)


def _line(told: Legs) -> tuple[float, float] | None:
    """The seconds of a beginning and of an epoch; None if one of them is not known."""
    epochs, seconds = np.array(told, float).T
    spread = epochs - epochs.mean()
    if not spread.any():
        return None
    slope = max(float(spread @ seconds / (spread @ spread)), 0.0)
    return max(float(seconds.mean() - slope * epochs.mean()), 0.0), slope


def _power_of_two(seconds: float) -> float:
    return 2.0 ** round(math.log2(seconds))
