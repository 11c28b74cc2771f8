"""How the best result of a search got better, from trial to trial."""

from __future__ import annotations

import math
from typing import Any


def best_so_far(study: Any) -> list[tuple[Any, Any]]:
    """Each trial with the best one until then, itself included.

    What is better is what a search without re-runs would publish: a trial that meets the
    constraints is better than one that does not, whatever its score.

    Args:
        study: A `StudyRecord`.

    Returns:
        Pairs of `TrialRecord`, of completed trials in the order in which they ended; none
        if no objective is known.
    """
    goals = study.goals
    if goals is None:
        return []
    sign = -1.0 if study.objective.direction == "max" else 1.0

    def place(trial: Any) -> tuple[float, float]:
        return goals.violation(trial.metrics), sign * (trial.score or 0.0)

    order = sorted(
        study.completed, key=lambda t: math.inf if t.ended is None else t.ended
    )
    found: list[tuple[Any, Any]] = []
    for trial in order:
        best = min(found[-1][1], trial, key=place) if found else trial
        found.append((trial, best))
    return found
