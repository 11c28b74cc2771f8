"""When a search ends by itself, because going on is hardly expected to gain anything.

To compare what the model still expects with the noise of the objective, which no search
can see through, is from Makarova et al. 2022 (Automatic termination for hyperparameter
optimization, https://proceedings.mlr.press/v188/makarova22a.html), who compare a bound on
the regret with the deviation of cross-validation. Here it is the expected improvement by
the next trials: it needs no bound that holds everywhere, and no validation of its own, and
it can be told to people.

A model that is wrong is sure as well: where the best configurations begin slowly, it may
have seen none of them to its end. So before the end, a few points anywhere are trained to
theirs, whatever the model thinks of them.
"""

import operator
from collections.abc import Iterable
from typing import Any

from tuner_component.planner.encoding import Key
from tuner_component.planner.prospect import Prospect
from tuner_component.planner.trials import Status, Trials

# The share of the noise below which a gain is none that counts; and at so many decisions
# in a row, with a value between each two of them, it has to be.
SHARE, IN_A_ROW = 0.1, 5
# So many points are trained to the end before the search ends.
CHECKS = 3
# Before it may end, a search has so many times the points that are spread at first.
_FIRST = 3


class Convergence:
    """Counts the decisions at which little was expected.

    Attributes:
        is_over: Whether the search ends. It stays so.
        checks: The points that are trained to the end, whatever the model thinks of them.
    """

    def __init__(self, is_asked: bool = True) -> None:
        """Starts before the first decision.

        Args:
            is_asked: Whether the search may end so at all.
        """
        self._is_asked, self.is_over = is_asked, False
        self._calm, self._seen = 0, 0
        self.checks: list[Key] = []

    @property
    def state(self) -> list[Any]:
        """All that it knows, as plain data."""
        checks = [list(key) for key in self.checks]
        return [self._calm, self._seen, self.is_over, checks]

    @state.setter
    def state(self, state: Iterable[Any]) -> None:
        calm, seen, is_over, checks = state
        # What is none of these is refused here, not found at a later decision.
        calm, seen = operator.index(calm), operator.index(seen)
        keys = [tuple(map(float, key)) for key in checks]
        if is_over and not (calm >= IN_A_ROW and len(keys) >= CHECKS):
            raise ValueError(
                f"Expected a search to end after {IN_A_ROW} calm decisions and {CHECKS} "
                f"checks. Received: {calm} and {len(keys)}."
            )
        self._calm, self._seen = calm, seen
        self.is_over, self.checks = bool(is_over), keys

    @property
    def wants_check(self) -> bool:
        """Whether another point is to be trained to the end."""
        is_calm = self._calm >= IN_A_ROW and not self.is_over
        return is_calm and len(self.checks) < CHECKS

    def note(self, prospect: Prospect | None, trials: Trials, first: int) -> None:
        """Takes note of a decision about what to train next.

        Args:
            prospect: What was expected then.
            trials: What was known.
            first: How many points are spread over the space before a model is asked.
        """
        seen = len(trials.seen)
        if not self._is_asked or self.is_over or seen <= self._seen:
            return
        if prospect is None or not trials.is_any_whole:
            return  # Nothing is known of what begins slowly.
        self._seen = seen
        is_calm = prospect.gain < SHARE * prospect.noise
        if not is_calm or trials.own < _FIRST * first:
            self._calm, self.checks = 0, []
            return
        self._calm += 1
        running = {trials[name].key for name in trials.of_status(Status.RUNNING)}
        is_checked = len(self.checks) >= CHECKS and running.isdisjoint(self.checks)
        self.is_over = self._calm >= IN_A_ROW and is_checked
