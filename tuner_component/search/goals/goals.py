"""The goals of a search: what its trials are compared by, and which one is its result."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tuner_component.search.constraint import Constraint
from tuner_component.search.goals import front as front_lib
from tuner_component.search.goals.front import Point

_DIRECTIONS = ("min", "max")


class Candidate(NamedTuple):
    """What is known of a completed trial.

    Attributes:
        score: Its score.
        metrics: Its metrics, for constraints.
        at_best: Those of them that are of the epoch of its score. Only these make a point:
            with values of several epochs it would be one that no model has.
    """

    score: float
    metrics: Mapping[str, float]
    at_best: Mapping[str, float]


class Order(NamedTuple):
    """Candidates by how good they are.

    Attributes:
        places: The places of all candidates, the best one first.
        front: How many of them are the front; 0 if none is asked for, or if no candidate
            meets the constraints.
    """

    places: list[int]
    front: int


@dataclasses.dataclass(frozen=True)
class Goals:
    """What trials are compared by.

    Attributes:
        objectives: Names and directions ("min" or "max") of the objectives; one, the
            score's, unless `pareto`.
        constraints: What a result must meet.
        pareto: Whether a front is looked for.
    """

    objectives: tuple[tuple[str, str], ...]
    constraints: tuple[Constraint, ...] = ()
    pareto: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the score counts."""
        return not (self.pareto or self.constraints)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the objectives."""
        return tuple(name for name, _ in self.objectives)

    def to_json(self) -> dict[str, Any]:
        """These goals as plain data; empty if nothing but the score counts."""
        if self.is_plain:
            return {}
        return {
            "objectives": [list(objective) for objective in self.objectives],
            "constraints": [str(constraint) for constraint in self.constraints],
            "pareto": self.pareto,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Goals":
        """Reads what `to_json` returned.

        Raises:
            ValueError: If it is something else.
        """
        try:
            objectives = tuple((name, way) for name, way in content["objectives"])
            texts, pareto = content["constraints"], content["pareto"]
            known = all(isinstance(n, str) and w in _DIRECTIONS for n, w in objectives)
            if not (known and objectives and isinstance(pareto, bool)):
                raise ValueError("others")
            return cls(objectives, tuple(map(Constraint.parse, texts)), pareto)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"Expected the goals of a search. Received: {content!r} ({error})."
            ) from error

    def violation(self, metrics: Mapping[str, float]) -> float:
        """How far metrics are from meeting all constraints; 0 if they do."""
        return sum(constraint.violation(metrics) for constraint in self.constraints)

    def point(self, metrics: Mapping[str, float]) -> Point | None:
        """What metrics of one epoch come to.

        Returns:
            The point; None if an objective is missing, or is not finite.
        """
        values = [
            metrics.get(name, math.nan) * (1.0 if way == "min" else -1.0)
            for name, way in self.objectives
        ]
        if not all(map(math.isfinite, values)):
            return None
        return Point(self.violation(metrics), tuple(values))

    def point_of(self, candidate: Candidate) -> Point | None:
        """What a trial has come to; None if it has no point of one epoch."""
        point = self.point(candidate.at_best)
        return point and Point(self.violation(candidate.metrics), point.values)

    def order(self, candidates: Sequence[Candidate]) -> Order:
        """Puts completed trials in order.

        With `pareto` the front comes first: the trials that meet the constraints, and that
        no other one dominates. Of these the most balanced one is the first. All others
        follow by their scores, those behind that violate a constraint, and the further
        the more they do.

        Args:
            candidates: In the order in which the trials were created.
        """
        sign = -1.0 if not self.pareto and self.objectives[0][1] == "max" else 1.0
        violations = [self.violation(one.metrics) for one in candidates]
        places = sorted(
            range(len(candidates)),
            key=lambda place: (violations[place], sign * candidates[place].score),
        )
        front = self._front(candidates, violations) if self.pareto else []
        if front:
            chosen = set(front)
            places = front + [place for place in places if place not in chosen]
        return Order(places, len(front))

    def _front(
        self, candidates: Sequence[Candidate], violations: Sequence[float]
    ) -> list[int]:
        """The places of the front, the most balanced one first."""
        known = {
            place: point
            for place, one in enumerate(candidates)
            if not violations[place] and (point := self.point_of(one)) is not None
        }
        if not known:
            return []
        points, places = list(known.values()), list(known)
        found = front_lib.first_front(points)
        best = front_lib.most_balanced(points, found)
        return [places[i] for i in (best, *(i for i in found if i != best))]

    def __str__(self) -> str:
        """The goals in a sentence, without the full stop."""
        verbs = {"min": "minimize", "max": "maximize"}
        text = " and ".join(f"{verbs[way]} {name}" for name, way in self.objectives)
        if self.constraints:
            text += f", with {' and '.join(map(str, self.constraints))}"
        return text[0].upper() + text[1:]


def shortfall(
    goals: Goals, front: int, best: str, metrics: Mapping[str, float]
) -> str | None:
    """Says what the best trial falls short of; None if it is what was looked for.

    Args:
        goals: What was looked for.
        front: How many trials the front has.
        best: Id of the best trial.
        metrics: Its metrics.
    """
    if goals.violation(metrics):
        wanted = " and ".join(map(str, goals.constraints))
        names = dict.fromkeys(one.metric for one in goals.constraints)
        values = [f"{n} {metrics[n]:.6g}" for n in names if n in metrics]
        told = f" ({', '.join(values)})" if values else ""
        return f"no trial meets {wanted}; trial {best} comes closest{told}"
    if goals.pareto and not front:
        names_of = " and ".join(goals.names)
        return f"no trial tells {names_of} of one epoch, so there is no front"
    return None


def metrics_of(
    histories: Mapping[str, Any], best_step: int | None
) -> tuple[dict[str, float], dict[str, float]]:
    """A trial's metrics, as KerasTuner keeps them, averaged over its executions.

    Args:
        histories: The "metrics" of `MetricsTracker.get_config()`.
        best_step: The epoch of the trial's score.

    Returns:
        All metrics, at that epoch or, of those that have none there, at the last one
        known; and those alone that have a value there.
    """
    found, at_best = dict[str, float](), dict[str, float]()
    for name, content in histories.items():
        seen = [o for o in content.get("observations", ()) if o.get("value")]
        if not seen:
            continue
        best = [o for o in seen if o.get("step") == best_step]
        found[name] = _mean((best or seen)[-1]["value"])
        if best:
            at_best[name] = found[name]
    return found, at_best


def _mean(values: Iterable[Any]) -> float:
    known = [float(value) for value in values]
    try:
        return math.fsum(known) / len(known)
    except OverflowError:  # Their sum is too large for a number; their mean is not.
        return math.fsum(value / len(known) for value in known)
