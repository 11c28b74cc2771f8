"""Advice about the search space: what to widen, and what to fix."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence

from tuner_component.report.judgement.course import RELIABLE, RELIABLE_TRIALS
from tuner_component.report.judgement.evidence import Evidence
from tuner_component.report.judgement.finding import Finding, listed, percent_text
from tuner_component.report.judgement.noise import own
from tuner_component.report.judgement.space import Range
from tuner_component.report.record import TrialRecord

# So much of a range, at either end, is its edge; the best lies closer still.
_EDGE, _AT_EDGE = 0.1, 0.05
# From fewer trials an edge is an accident.
_LEAST_FOR_EDGE = 12
# What matters less than this never mattered.
_NOTHING, _NOTHING_AMONG_BETTER = 0.02, 0.15
# A hyperparameter was tried if its values cover so much of its range.
_COVERED = 0.5


def at_the_edge(evidence: Evidence) -> Iterator[Finding]:
    """The best trials lie at the end of a range, so better ones may lie beyond."""
    whole = [trial for trial in evidence.rivals if not trial.stopped]
    if not evidence.is_single or len(evidence.completed) < _LEAST_FOR_EDGE or not whole:
        return
    top = evidence.rivals[: max(5, math.ceil(len(evidence.completed) / 10))]
    for name, one in evidence.ranges.items():
        matters = evidence.weights.shares.get(name, 0.0) >= _EDGE
        end = _end(one, evidence.rivals[0], top) if matters else None
        if end is None:
            continue
        upper, count = end
        limit = one.high if upper else one.low
        value = evidence.rivals[0].hyperparameters[name]
        numbers = {name: value, "limit": limit or 0.0, "top": len(top), "count": count}
        text = (
            f"{name} is best at the {'upper' if upper else 'lower'} edge of its range: "
            f"{value:.6g}, where the limit is {limit:.6g}; {count} of the best {len(top)} "
            f"trials lie there. Widen the range {'upwards' if upper else 'downwards'}."
        )
        yield Finding("range", text, numbers, names=(name,))


def _end(
    one: Range, best: TrialRecord, top: Sequence[TrialRecord]
) -> tuple[bool, int] | None:
    """At which end the best trials are, True for the upper, and how many of them."""
    place = one.position(best.hyperparameters.get(one.name))
    places = [one.position(trial.hyperparameters.get(one.name)) for trial in top]
    known = [p for p in places if p is not None]
    if place is None or len(set(one.values)) in (1, 2):
        return None
    upper = place >= 1 - _AT_EDGE
    if not upper and place > _AT_EDGE or not _can_widen(one, upper):
        return None
    there = sum(p >= 1 - _EDGE if upper else p <= _EDGE for p in known)
    return (upper, there) if there > len(top) / 2 else None


def _can_widen(one: Range, upper: bool) -> bool:
    """Whether there may be anything beyond: not below 0, one layer or no units."""
    if one.low is None or one.high is None:
        return False
    if upper:
        return not (one.high == 1 and one.low >= 0 and one.kind == "Float")
    return one.low > 1 or (one.kind != "Int" and one.low > 0) or one.low < 0


def never_mattered(evidence: Evidence) -> Iterator[Finding]:
    """A hyperparameter without influence makes the search longer for nothing."""
    weights, trials = evidence.weights, evidence.completed
    if (weights.explained or 0.0) < RELIABLE or len(trials) < RELIABLE_TRIALS:
        return
    found = [
        name
        for name, share in weights.shares.items()
        if share < _NOTHING and _was_tried(evidence, name)
    ]
    better = evidence.weights_of_better if found else weights
    if (better.explained or 0.0) > 0.0:
        shares = better.shares
        found = [n for n in found if shares.get(n, 0.0) < _NOTHING_AMONG_BETTER]
    if not found or evidence.study.best is None:
        return
    best = own(evidence.study.best.hyperparameters)
    told = [
        f"{n} (at {_value(best[n])}, as in the best trial)" for n in found if n in best
    ]
    told += [name for name in found if name not in best]
    numbers = {name: weights.shares[name] for name in found}
    text = (
        f"{listed(found)} hardly mattered ({percent_text(max(numbers.values()))} of what "
        f"is explained{' at the most' if len(found) > 1 else ''}, in {len(trials)} "
        "trials), also among the better half. "
        f"Fix {listed(told)}: the search gets shorter."
    )
    yield Finding(
        "space", text, {**numbers, "completed": len(trials)}, names=tuple(found)
    )


def _value(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _was_tried(evidence: Evidence, name: str) -> bool:
    """Whether most trials have it, with values from all over its range."""
    trials = evidence.completed
    values = [t.hyperparameters[name] for t in trials if name in t.hyperparameters]
    if name not in evidence.ranges or 2 * len(values) < len(trials):
        return False
    places = [p for v in values if (p := evidence.ranges[name].position(v)) is not None]
    if len(places) == len(values):
        low, *_, high = statistics.quantiles(places, n=10)
        return high - low >= _COVERED
    counts = [
        sum(v == kind for v in values) for kind in {str(v): v for v in values}.values()
    ]
    return sorted(counts)[-2] >= len(values) / 10 if len(counts) > 1 else False
