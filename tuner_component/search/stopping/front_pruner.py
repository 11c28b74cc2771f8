"""Stopping where no single number says which trial is better.

The place of a trial's value among those of the others is its place in the non-dominated
sorting of all that got to the same epoch, as in multi-objective ASHA (Schmucker et al.
2021, https://arxiv.org/abs/2106.12639). What no other trial dominates there is never
stopped for the sake of others.
"""

import zlib
from collections.abc import Sequence

from tuner_component.search.goals import front
from tuner_component.search.goals.front import Point
from tuner_component.search.options import StoppingOptions


class FrontPruner:
    """Compares trials by points, as a rule says: what `Pruner` does by values.

    Args:
        options: The rule and its parameters.
    """

    def __init__(self, options: StoppingOptions) -> None:
        self._options = options
        # By trial: its points by the number of epochs, the latest one last.
        self._points: dict[str, dict[int, Point]] = {}
        self._complete: set[str] = set()
        # How many rungs a trial has passed, and what trials came to at each; a rung is
        # that of a bracket.
        self._passed: dict[str, int] = {}
        self._rungs: dict[tuple[int, int], dict[str, Point]] = {}
        # After how many epochs a trial was last better than before.
        self._progress: dict[str, int] = {}

    def report(self, trial_id: str, step: int, point: Point) -> None:
        """Takes a point.

        Args:
            trial_id: The trial.
            step: How many epochs it was trained for.
            point: What to compare with other trials'.
        """
        known = self._points.setdefault(trial_id, {})
        if not any(front.dominates(before, point) for before in known.values()):
            self._progress[trial_id] = step
        known[step] = point

    def hopeless(self, trial_id: str) -> bool:
        """What the rule thinks of a trial with its last point."""
        step = next(reversed(self._points[trial_id]))
        if self._options.rule == "patience":
            return step - self._progress[trial_id] > self._options.patience
        if self._options.rule == "median":
            return self._is_behind_most(trial_id, step)
        return self._is_out(trial_id, step)

    def end(self, trial_id: str, complete: bool) -> None:
        """A trial has ended; with MEDIAN others are compared with complete ones alone."""
        if complete:
            self._complete.add(trial_id)

    def forget(self, trial_id: str) -> None:
        """Drops all that is known of a trial."""
        for known in (
            self._points,
            self._passed,
            self._progress,
            *self._rungs.values(),
        ):
            known.pop(trial_id, None)  # type: ignore[attr-defined]

    def _is_behind_most(self, trial_id: str, step: int) -> bool:
        """Whether most of the complete trials were on better fronts after this epoch."""
        others = [
            known[step]
            for name in self._complete
            if name != trial_id and step in (known := self._points.get(name, {}))
        ]
        return 2 * _in_better_fronts(self._points[trial_id][step], others) > len(others)

    def _is_out(self, trial_id: str, step: int) -> bool:
        """Whether the trial is at a rung, and not among those that go on from there."""
        factor, bracket = self._options.reduction_factor, self._bracket(trial_id)
        while True:
            passed = self._passed.get(trial_id, 0)
            if step < self._options.grace_epochs * factor ** (bracket + passed):
                return False
            rung = self._rungs.setdefault((bracket, passed), {})
            rung[trial_id] = self._points[trial_id][step]
            place = list(rung).index(trial_id)
            if front.rank(list(rung.values()), place) >= max(len(rung) // factor, 1):
                return True
            self._passed[trial_id] = passed + 1

    def _bracket(self, trial_id: str) -> int:
        """HYPERBAND's halving that a trial is in, drawn from its name; others have one.

        Those that begin sooner have more trials, as they need fewer epochs for each.
        """
        if self._options.rule != "hyperband":
            return 0
        factor, epochs = self._options.reduction_factor, self._options.grace_epochs
        count = 1
        while epochs * factor**count <= (self._options.max_epochs or 0):
            count += 1
        sizes = [
            -(-count * factor ** (count - 1 - number) // (count - number))
            for number in range(count)
        ]
        drawn = zlib.crc32(trial_id.encode(errors="surrogateescape")) % sum(sizes)
        for number, size in enumerate(sizes):
            if drawn < size:
                return number
            drawn -= size
        return count - 1


def _in_better_fronts(point: Point, others: Sequence[Point]) -> int:
    """How many points are on fronts before the one that a further point is on."""
    if not any(front.dominates(other, point) for other in others):
        return 0
    before = 0
    for members in front.fronts([point, *others]):
        if 0 in members:
            return before
        before += len(members)
    return before
