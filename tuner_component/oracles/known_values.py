"""What trials came to, as a planner is told of it."""

import math
from collections.abc import Sequence
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.oracles.turns import Turns
from tuner_component.planner.rungs import Rungs
from tuner_component.search.oracle.ranking import candidate_of

_Status = trial_lib.TrialStatus


class KnownValues:
    """The values of trials after their epochs, from whatever told of them.

    Args:
        rungs: When trials are looked at.
        epochs: How many epochs a trial has; None if that is not known.

    Attributes:
        curves: By trial: its best value so far after each epoch.
        turns: What makes numbers of several objectives; None if there is one.
    """

    def __init__(self, rungs: Rungs, epochs: int | None) -> None:
        self._rungs, self._epochs = rungs, epochs
        self.curves: dict[str, Sequence[float]] = {}
        self.turns: Turns | None = None

    def looks(self, trial_id: str) -> list[int]:
        """After which of its epochs a planner is told of a trial that paused or ended."""
        curve = self.curves.get(trial_id)
        if not curve:  # A trial that tells of no epochs is one.
            return [self._epochs or 1]
        last = len(curve)
        return [n for n in range(1, last + 1) if self._rungs.is_rung(n) or n == last]

    def value(self, trial: Any, epochs: int) -> float | None:
        """What a trial came to; NaN if it failed before that.

        Args:
            trial: A trial of KerasTuner's.
            epochs: After how many of its epochs.

        Returns:
            The value. None if it is not known: the trial runs again, and will tell again.
        """
        if self.turns is not None:
            return self._value_of_turn(self.turns, trial, epochs)
        curve = self.curves.get(trial.trial_id, ())
        if epochs <= len(curve):
            return curve[epochs - 1]
        if trial.status == _Status.COMPLETED and trial.score is not None:
            return float(trial.score)
        return math.nan if trial.status == _Status.FAILED else None

    def _value_of_turn(self, turns: Turns, trial: Any, epochs: int) -> float | None:
        self.learn_result(trial)
        known = turns.count(trial.trial_id)
        if known and (epochs <= known or trial.status != _Status.FAILED):
            return turns.value(trial.trial_id, epochs)
        has_ended = trial.status in (_Status.COMPLETED, _Status.FAILED)
        return math.nan if has_ended else None

    def learn_result(self, trial: Any) -> None:
        """A trial that told nothing of its epochs is one, where several objectives count."""
        turns, is_complete = self.turns, trial.status == _Status.COMPLETED
        if turns is not None and is_complete and not turns.count(trial.trial_id):
            turns.learn(trial.trial_id, [turns.goals.point_of(candidate_of(trial))])
