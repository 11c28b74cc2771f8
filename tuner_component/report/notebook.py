"""A study as a notebook shows it: a summary, and a table of the best trials.

Nothing is loaded from elsewhere and no script runs, so that it is seen in a notebook that
is not trusted, and on pages that show notebooks.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from tuner_component.report import improvement, leaderboard

_TOP, _METRICS, _VALUES = 10, 4, 8
_CELL = 40
_WIDTH, _HEIGHT = 96, 18
# Points of a curve: more cannot be seen.
_POINTS = 96


def html_of(study: Any) -> str:
    """A study as HTML.

    Args:
        study: A `StudyRecord`.
    """
    return (
        '<div style="font-family: system-ui, sans-serif; line-height: 1.5">'
        f"{_summary(study)}{_table(study)}</div>"
    )


def _summary(study: Any) -> str:
    failed = len(study.with_status("FAILED"))
    total = f" of {study.max_trials}" if study.max_trials else ""
    told = [
        f"<b>Study {_text(study.study_id)}</b>: {study.status}, "
        f"{len(study.completed)}{total} trials completed"
        + (f", {failed} failed" if failed else "")
    ]
    if study.best is not None:
        best = [trial.score for _, trial in improvement.best_so_far(study)]
        told.append(
            f"Best {_text(study.objective.name)}: <b>{study.best.score:.6g}</b>, by trial "
            f"{_text(study.best.trial_id)} {_sparkline(best, 'best so far')}"
        )
    told += [_text(why, 400) for why in (study.ended_because, study.shortfall) if why]
    told += [_text(loss, 400) for loss in study.losses]
    return "<br>".join(told)


def _table(study: Any) -> str:
    best = study.completed[:_TOP]
    if not best:
        return ""
    metrics = leaderboard.metric_names(study, best)[:_METRICS]
    values = leaderboard.hyperparameter_names(study, best)[:_VALUES]
    objective = study.objective.name if study.objective else ""
    rows = [_row(["trial", *metrics, "curve", *values], "th")]
    for trial in best:
        shown = [leaderboard.metric(study, trial, name) for name in metrics]
        given = [trial.hyperparameters.get(name) for name in values]
        cells = [_text(trial.trial_id), *map(_value, shown)]
        cells += [_sparkline(_curve(trial, objective), objective), *map(_value, given)]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    left = len(study.completed) - len(best)
    more = f"<small>and {left} more: study.to_frame()</small>" if left else ""
    return f"<table>{''.join(rows)}</table>{more}"


def _row(cells: Sequence[Any], kind: str) -> str:
    shown = "".join(f"<{kind}>{_text(cell)}</{kind}>" for cell in cells)
    return f"<tr>{shown}</tr>"


def _text(value: Any, length: int = _CELL) -> str:
    text = str(value)
    text = text if len(text) <= length else f"{text[: length - 1]}…"
    # A message may have half of a surrogate pair in it, which no page can have.
    return html.escape(text.encode(errors="backslashreplace").decode())


def _value(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else _text(value)


def _curve(trial: Any, objective: str) -> list[float]:
    """The objective after each epoch of the first training."""
    curves = trial.executions[0] if trial.executions else {}
    return [v for v in curves.get(objective, ()) if v is not None]


def _sparkline(curve: Sequence[float], what: str) -> str:
    """A small picture of a curve, in the colour of the text around it."""
    known = [float(value) for value in curve if math.isfinite(value)]
    if len(known) < 2:
        return ""
    if len(known) > _POINTS:
        last = len(known) - 1
        known = [known[round(i * last / (_POINTS - 1))] for i in range(_POINTS)]
    low, high = min(known), max(known)
    # Of halves: the difference of the largest numbers is none any more.
    span = (high / 2 - low / 2) or 1.0
    step = (_WIDTH - 2) / (len(known) - 1)
    points = " ".join(
        f"{1 + i * step:.1f},{_HEIGHT - 2 - (v / 2 - low / 2) / span * (_HEIGHT - 4):.1f}"
        for i, v in enumerate(known)
    )
    told = f"{_text(what)}: from {known[0]:.6g} to {known[-1]:.6g}"
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{told}" '
        f'style="vertical-align: middle"><title>{told}</title><polyline fill="none" '
        f'stroke="currentColor" stroke-width="1.5" points="{points}"/></svg>'
    )
