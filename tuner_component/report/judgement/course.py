"""Findings about the course of a search: when it improved, and what decided it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tuner_component.report.judgement.evidence import Evidence
from tuner_component.report.judgement.finding import (
    Finding,
    listed,
    percent_text,
    score_text,
)
from tuner_component.report.record import FAILED, StudyRecord, TrialRecord

# From fewer trials the halves of a search say nothing.
_LEAST = 8
# How much more a random search is asked for.
_MORE = 10
# The class of KerasTuner's random search, and of its tuner.
_RANDOM = ("RandomSearchOracle", "RandomSearch")
# Shares are reliable from so many trials on, and if so much is explained.
RELIABLE_TRIALS, RELIABLE = 30, 0.3
_MAIN = 0.2


def improvements(evidence: Evidence) -> tuple[list[TrialRecord], list[int]]:
    """The rivals in the order in which they ended, and which of them were the best so far."""
    order = sorted(
        evidence.rivals, key=lambda t: math.inf if t.ended is None else t.ended
    )
    places: list[int] = []
    for i, trial in enumerate(order):
        score = evidence.sign * (trial.score or 0.0)
        if not places or score > evidence.sign * (order[places[-1]].score or 0.0):
            places.append(i)
    return order, places


def course(evidence: Evidence) -> Iterator[Finding]:
    """When the last improvement came, and what going on would bring."""
    if not evidence.is_single or len(evidence.rivals) < 2:
        return
    order, places = improvements(evidence)
    count, last = len(order), places[-1]
    after = count - 1 - last
    trial = order[last]
    numbers: dict[str, float] = {"number": last + 1, "of": count, "after": after}
    which = f"the one with the best score (trial {trial.trial_id})"
    if after:
        text = f"Of {evidence.which_rivals}, {after} ended after {which}, and "
        text += "was no better." if after == 1 else "none of them was better."
    else:
        text = f"Of {evidence.which_rivals}, {which} was the last to end."
    text += _halves(evidence, order, numbers)
    text += _going_on(evidence, numbers)
    yield Finding("course", text, numbers, names=(trial.trial_id,))


def _halves(
    evidence: Evidence, order: Sequence[TrialRecord], numbers: dict[str, float]
) -> str:
    """What the second half of the search brought."""
    if len(order) < _LEAST:
        return ""
    better = max if evidence.sign > 0 else min
    half = better(trial.score or 0.0 for trial in order[: len(order) // 2])
    whole = better(trial.score or 0.0 for trial in order)
    if half == whole:
        return " The second half brought nothing."
    numbers |= {"half": half, "whole": whole}
    return f" The second half took it from {score_text(half)} to {score_text(whole)}."


def _going_on(evidence: Evidence, numbers: dict[str, float]) -> str:
    study = evidence.study
    if study.outlook and study.prospect:
        numbers |= {
            "trials": study.prospect.trials,
            "gain": study.prospect.gain,
            "noise": study.prospect.noise,
        }
        return f" {study.outlook}"
    if _draws_by_chance(study) and not evidence.is_exhausted:
        # The best of all draws is equally likely to be any of them.
        chance = _MORE / (len(evidence.completed) + _MORE)
        numbers |= {"more": _MORE, "chance": chance}
        return (
            f" That {_MORE} more random trials beat it has a chance of "
            f"{percent_text(chance)}."
        )
    return ""


def _draws_by_chance(study: StudyRecord) -> bool:
    """Whether each point is drawn by itself, whatever is known of others."""
    oracle = (study.oracle or "").rpartition(".")[2]
    return oracle in _RANDOM or study.fingerprint.get("search") == "random"


def decided(evidence: Evidence) -> Iterator[Finding]:
    """Which hyperparameter decided the scores."""
    shares, explained = evidence.weights.shares, evidence.weights.explained
    if not shares or explained is None:
        return
    count = len(evidence.completed)
    numbers: dict[str, float] = {"explained": explained, "completed": count}
    if evidence.weights.is_chance:
        text = (
            "No hyperparameter explains the scores: who knows the other trials cannot "
            "predict a trial's score."
        )
        yield Finding("decided", text, numbers)
        return
    first, *others = shares.items()
    numbers[first[0]] = first[1]
    text = f"{first[0]} decided it most ({percent_text(first[1])} of what is explained)"
    main = [pair for pair in others if pair[1] >= _MAIN][:2]
    numbers |= dict(main)
    if main:
        told = [f"{name} ({percent_text(share)})" for name, share in main]
        text += f", then {listed(told)}"
    text += f". Hyperparameters explain {percent_text(explained)} of how trials rank."
    if count < RELIABLE_TRIALS:
        text += f" {count} trials are few to tell: take it as a hint."
    names = tuple(name for name, _ in (first, *main))
    yield Finding("decided", text, numbers, names=names)


def failed(evidence: Evidence) -> Iterator[Finding]:
    """That there are trials which the score says nothing of."""
    count, total = len(evidence.study.with_status(FAILED)), len(evidence.study.trials)
    if count and evidence.completed:
        text = f"{count} of {total} trials failed."
        yield Finding("failures", text, {"failed": count, "trials": total}, "bad")
