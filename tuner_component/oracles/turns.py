"""Several objectives for a planner that knows one: other weights in each turn of a search.

A turn begins when a trial is to be chosen, and lasts until the next one is: what becomes
of the trials that run meanwhile is decided by the same weights.
"""

import operator
from collections.abc import Sequence

from tuner_component.planner.planner import Planner
from tuner_component.planner.scalarisation import Scalarisation
from tuner_component.search.goals import front
from tuner_component.search.goals.front import Point
from tuner_component.search.goals.goals import Goals

Heard = Sequence[tuple[str, int]]


class Turns:
    """Numbers for points, by the weights of the turn.

    Args:
        goals: Of the search.
        seed: Of the search.

    Attributes:
        goals: As above.
    """

    def __init__(self, goals: Goals, seed: int) -> None:
        self.goals = goals
        self._seed = seed
        self._points: dict[str, Sequence[Point | None]] = {}
        # The number of the turn, how much the planner had heard when it began, and
        # whether a trial was chosen in it.
        self._turn, self._at, self._is_over = 0, 0, True
        self._scalarisation = Scalarisation((), len(goals.objectives), seed, 0)

    @property
    def state(self) -> list[int]:
        """What a resumed search has to know, as plain data."""
        return [self._turn, self._at, int(self._is_over)]

    @state.setter
    def state(self, state: Sequence[int]) -> None:
        turn, at, is_over = state
        self._turn, self._at = operator.index(turn), operator.index(at)
        self._is_over = bool(is_over)

    def learn(self, trial_id: str, points: Sequence[Point | None]) -> None:
        """Hears what a trial came to after each of its epochs."""
        self._points[trial_id] = points

    def count(self, trial_id: str) -> int:
        """How many epochs of a trial are known."""
        return len(self._points.get(trial_id, ()))

    def value(self, trial_id: str, epochs: int) -> float:
        """What a planner compares a trial by after so many epochs; NaN for no number.

        A trial that has fewer epochs counts with its last one.
        """
        points = self._points.get(trial_id, ())
        point = points[min(epochs, len(points)) - 1] if points else None
        return self._scalarisation.value(point)

    def begin(self, planner: Planner) -> None:
        """Begins a turn, unless one has begun in which no trial was chosen."""
        if self._is_over:
            self._turn, self._at, self._is_over = (
                self._turn + 1,
                len(planner.seen),
                False,
            )
            self.go_on(planner.seen)
            self.tell(planner)

    def go_on(self, heard: Heard) -> None:
        """Takes the weights of the turn, and scales by what was heard before it began."""
        points = [
            point
            for trial_id, epochs in heard[: self._at]
            if (known := self._points.get(trial_id))
            and (point := known[min(epochs, len(known)) - 1]) is not None
        ]
        self._scalarisation = Scalarisation(
            points, len(self.goals.objectives), self._seed, self._turn
        )

    def tell(self, planner: Planner) -> None:
        """Has a planner compare all that it has observed by these weights."""
        planner.revalue(self.value, self._at)

    def end(self) -> None:
        """A trial was chosen: others will be chosen by other weights."""
        self._is_over = True

    def is_dominated(self, trial_id: str) -> bool:
        """Whether another trial is better in all objectives that came as far.

        A trial of which nothing is known is not.
        """
        points = self._points.get(trial_id, ())
        epochs = len(points)
        point = points[-1] if points else None
        if point is None:
            return bool(points)
        return any(
            front.dominates(other, point)
            for known in self._points.values()
            if len(known) >= epochs and (other := known[epochs - 1]) is not None
        )
