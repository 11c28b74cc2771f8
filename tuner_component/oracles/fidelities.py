"""Trials that were trained for different numbers of epochs, kept apart.

The best epoch of a stopped trial is not what the trial would have come to. Samplers that
know of stopped trials compare them with others that came as far; for those that do not,
what a stopped trial would have come to is estimated from the trials that were trained to
the end.
"""

import collections
import math
import statistics
from collections.abc import Mapping, Sequence

from tuner_component.oracles.optuna_study import Result


class Fidelities:
    """What is known of how far trials were trained.

    Attributes:
        stopped: The trials that were stopped, and after how many epochs.
        whole: The curves of the others.
    """

    def __init__(self) -> None:
        """Starts without any trial."""
        self.stopped: dict[str, int] = {}
        self._gains: dict[str, float] = {}
        self.whole: dict[str, Sequence[float]] = {}
        self._settled: set[str] = set()

    def settle(self, trial_id: str) -> None:
        """Somebody has ended a trial, and does not want it to be tried again."""
        self._settled.add(trial_id)

    def learn(
        self, trial_id: str, curve: Sequence[float], stopped_after: int | None
    ) -> None:
        """Takes the curve of a trial that has completed: see `curve_hearing.tell`.

        One that was stopped after as many epochs as trials have that are trained to the
        end is such a trial: a rule that is asked after the last epoch may well say so.
        """
        longest = max(map(len, self.whole.values()), default=math.inf)
        if stopped_after is not None and stopped_after < longest:
            self.stopped[trial_id] = stopped_after
            # Now, so that a resumed search estimates the same.
            self._gains[trial_id] = self._gain_after(stopped_after)
        elif curve:
            self.whole[trial_id] = curve

    def untrusted(self, points: Mapping[str, str]) -> list[str]:
        """The trials that were stopped, at points where no other trial was.

        Args:
            points: For each trial the point where it is.
        """
        tries = collections.Counter(points.values())
        doubtful = self.stopped.keys() - self._settled
        return [i for i in self.stopped if i in doubtful and tries[points[i]] == 1]

    def estimate(self, trial_id: str, score: float) -> float:
        """What a trial would have come to if it was stopped: its score and what others
        gained, in the median, from that epoch on.
        """
        return score + self._gains.get(trial_id, 0.0)

    def _gain_after(self, epochs: int) -> float:
        gains = [
            gain
            for curve in self.whole.values()
            if len(curve) > epochs
            and math.isfinite(gain := curve[-1] - curve[epochs - 1])
        ]
        return statistics.median(gains) if gains else 0.0

    def result(self, trial_id: str, score: float | None) -> Result:
        """What a sampler that knows of stopped trials is told."""
        return Result(score, self.stopped.get(trial_id))
