"""When a search ends by itself, because going on is hardly expected to gain anything.

To compare what the model still expects with the noise of the objective, which no search
can see through, is from Makarova et al. 2022 (Automatic termination for hyperparameter
optimization, https://proceedings.mlr.press/v188/makarova22a.html), who compare a bound on
the regret with the deviation of cross-validation. Here it is the expected improvement by
the next trials: it needs no bound that holds everywhere, and no validation of its own, and
it can be told to people.
"""

from typing import Any

from tuner_component.planner.prospect import Prospect
from tuner_component.planner.trials import Trials

# The share of the noise below which a gain is none that counts; and at so many decisions
# in a row, with a value between each two of them, it has to be.
SHARE, IN_A_ROW = 0.1, 5
# A search has so many times the points that are spread over the space at first.
_FIRST = 3


class Convergence:
    """Counts the decisions at which little was expected.

    Attributes:
        is_over: Whether the search ends. It stays so.
    """

    def __init__(self, is_asked: bool = True) -> None:
        """Starts before the first decision.

        Args:
            is_asked: Whether the search may end so at all.
        """
        self._is_asked, self.is_over = is_asked, False
        self._calm, self._seen = 0, 0

    @property
    def state(self) -> list[Any]:
        """All that it knows, as plain data."""
        return [self._calm, self._seen, self.is_over]

    @state.setter
    def state(self, state: list[Any]) -> None:
        self._calm, self._seen, self.is_over = state

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
        # Before one is whole, nothing is known of those that begin slowly.
        if prospect is None or not trials.is_any_whole:
            return
        self._seen = seen
        is_calm = prospect.gain < SHARE * prospect.noise
        is_calm = is_calm and trials.own >= _FIRST * first
        self._calm = self._calm + 1 if is_calm else 0
        self.is_over = self._calm >= IN_A_ROW
