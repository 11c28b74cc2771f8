"""The trials of a report as rows: all of them, with their curves as far as they fit.

A file that is opened from a bucket must not be as long as a large study. Numbers of curves
are rounded, long curves thinned, and the best trials keep theirs if there are too many.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuner_component.report.record import StudyRecord, TrialRecord

# Numbers of all curves together, and of one of them at the most and at the least.
_NUMBERS, _LONGEST, _SHORTEST = 300_000, 200, 12
# Characters of all messages together, of one, and of one when these are used up.
_MESSAGES, _MESSAGE, _SHORT = 400_000, 20_000, 300
_DIGITS = 6


def rows(study: StudyRecord, logs: Mapping[str, str]) -> dict[str, Any]:
    """All trials as rows, best first, then those that did not complete, then re-runs.

    Args:
        study: The study.
        logs: The ends of logs by the ids of trials.

    Returns:
        `rows`; `metrics` and `hyperparameters`, the names of all, in the order in which
        they first occur; `curves`, for how many trials their curves are there.
    """
    completed = study.completed
    scored = {trial.trial_id for trial in completed}
    others = [trial for trial in study.trials if trial.trial_id not in scored]
    trials = [*completed, *others, *study.reruns]
    curves = _curves(trials)
    messages = _messages(trials)
    return {
        "rows": [
            _row(trial, place, curves.get(place), messages[place])
            | ({"log": logs[trial.trial_id]} if trial.trial_id in logs else {})
            for place, trial in enumerate(trials)
        ],
        "metrics": _names(trial.metrics for trial in trials),
        "hyperparameters": _names(trial.hyperparameters for trial in trials),
        "curves": sum(bool(found) for found in curves.values()),
        "having": sum(bool(trial.executions) for trial in trials),
    }


def _names(mappings: Any) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _row(
    trial: TrialRecord, place: int, curves: Any, message: str | None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": trial.trial_id,
        "status": trial.status.lower(),
        "rank": place + 1
        if trial.status == "COMPLETED" and not trial.confirms
        else None,
        "score": trial.score,
        "epochs": trial.epochs or None,
        "epoch": None if trial.best_step is None else trial.best_step + 1,
        "seconds": trial.duration_s,
        "worker": trial.worker,
        "node": trial.node,
        "started": trial.started,
        "ended": trial.ended,
        "seed": trial.seed,
        "retried": trial.retried or None,
        "confirms": trial.confirms,
        "cause": trial.cause,
        "message": message,
        "metrics": dict(trial.metrics),
        "hp": dict(trial.hyperparameters),
        "curves": curves,
        "attempts": [
            [a.worker, a.node, a.started, a.ended, a.outcome, (a.reason or "")[:_SHORT]]
            for a in trial.attempts
        ],
    }
    if trial.stopped:
        row["stopped"] = trial.stopped.rule
    return {key: value for key, value in row.items() if value is not None}


def _curves(trials: Sequence[TrialRecord]) -> dict[int, list[dict[str, Any]]]:
    """The curves of trials by their place, as long as there is room."""
    count = sum(len(curves) for trial in trials for curves in trial.executions)
    most = max(_SHORTEST, min(_LONGEST, _NUMBERS // max(count, 1)))
    found: dict[int, list[dict[str, Any]]] = {}
    used = 0
    for place, trial in enumerate(trials):
        if used >= _NUMBERS:
            break
        found[place] = [
            {name: _thinned(curve, most) for name, curve in curves.items()}
            for curves in trial.executions
        ]
        used += sum(len(c["y"]) for curves in found[place] for c in curves.values())
    return found


def _thinned(curve: Sequence[float | None], most: int) -> dict[str, Any]:
    """A curve's values, and their epochs if some are left out: never the ends."""
    if len(curve) <= most:
        return {"y": [_rounded(value) for value in curve]}
    kept = [round(i * (len(curve) - 1) / (most - 1)) for i in range(most)]
    return {"x": [i + 1 for i in kept], "y": [_rounded(curve[i]) for i in kept]}


def _rounded(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return value
    return float(f"{value:.{_DIGITS}g}")


def _messages(trials: Sequence[TrialRecord]) -> list[str | None]:
    """The end of each message, and the whole of the first ones."""
    found: list[str | None] = []
    used = 0
    for trial in trials:
        if trial.message is None:
            found.append(None)
            continue
        text = trial.message
        most = _MESSAGE if used < _MESSAGES else _SHORT
        text = text if len(text) <= most else f"[...]\n{text[-most:]}"
        used += len(text)
        found.append(text)
    return found


def plain(value: Any) -> Any:
    """A value as JSON has it: what JSON has no word for is text."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
