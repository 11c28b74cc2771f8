"""The report's learning curves: of many trials, those that are worth a look."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tuner_component.report import figures
from tuner_component.report.record import (
    FAILED,
    PAUSED,
    RUNNING,
    StudyRecord,
    TrialRecord,
)

_BEST = 10


def metric_of(study: StudyRecord) -> str | None:
    """The metric whose curves are shown: the objective, or what comes closest to it."""
    names = [
        name
        for trial in study.trials
        for curves in trial.executions[:1]
        for name in curves
    ]
    if not names or study.objective is None:
        return None
    wanted = study.objective.name
    return next((n for n in (wanted, "val_loss", "loss") if n in names), names[0])


def learning_curves(study: StudyRecord) -> go.Figure | None:
    """The objective by epoch: the best trials, stopped ones, and some of the others."""
    metric = metric_of(study)
    if metric is None:
        return None
    chosen = _chosen(study, metric)
    best = {study.best.trial_id} if study.best else set()
    figure = figures.blank(
        height=420, xaxis_title="epoch", yaxis_title=figures.escaped(metric)
    )
    shown: set[str] = set()
    # The best is drawn last, above all others.
    for trial in sorted(chosen, key=lambda t: t.trial_id in best):
        kind, look = _look(trial, trial.trial_id in best)
        # One entry of the legend for all curves of a kind.
        entry = {"name": kind, "legendgroup": kind, "showlegend": kind not in shown}
        _draw(figure, trial, trial.executions[0][metric], **entry, **look)
        shown.add(kind)
    values = [
        value
        for trial in chosen
        for value in trial.executions[0][metric]
        if value is not None and math.isfinite(value)
    ]
    if values:
        figures.limit_scores(figure, values, _direction(study, metric))
    return figure


def _draw(
    figure: go.Figure, trial: TrialRecord, curve: Sequence[float | None], **look: Any
) -> None:
    """Adds a curve, with a cross at its end if the trial was stopped."""
    epochs = _thinned(list(range(1, len(curve) + 1)))
    ends = len(epochs) - 1 if trial.stopped else None
    sizes = [8 if i == ends else 0 for i in range(len(epochs))]
    figure.add_scatter(
        x=epochs,
        y=_thinned(list(curve)),
        mode="lines+markers",
        marker={"symbol": "x", "size": sizes},
        hovertemplate=f"trial {figures.escaped(trial.trial_id)}<br>"
        "epoch %{x}: %{y}<extra></extra>",
        **look,
    )


def _direction(study: StudyRecord, metric: str) -> str:
    if study.objective is not None and metric == study.objective.name:
        return study.objective.direction
    return "min"  # A loss in all likelihood: see `metric_of`.


def _look(trial: TrialRecord, best: bool) -> tuple[str, dict[str, Any]]:
    if best:
        return "best", {"line": {"color": figures.GREEN, "width": 3}}
    if trial.stopped:
        return "stopped early", {"line": {"color": figures.ORANGE, "width": 1}}
    if trial.status == FAILED:
        return "failed", {"line": {"color": figures.RED, "width": 1, "dash": "dot"}}
    if trial.status == PAUSED:
        return "paused", {"line": {"color": figures.ORANGE, "width": 1, "dash": "dash"}}
    if trial.status == RUNNING:
        return "running", {"line": {"color": figures.GREY, "width": 1, "dash": "dash"}}
    return "completed", {"line": {"color": figures.BLUE, "width": 1}, "opacity": 0.5}


def _chosen(study: StudyRecord, metric: str) -> list[TrialRecord]:
    """Trials to show: the best ones, and an even selection of the others."""
    having = [t for t in study.trials if t.executions and metric in t.executions[0]]
    if len(having) <= figures.CURVES:
        return having
    known = {trial.trial_id for trial in having}
    best = [t for t in study.completed if t.trial_id in known][:_BEST]
    shown = {trial.trial_id for trial in best}
    others = [trial for trial in having if trial.trial_id not in shown]
    step = len(others) / (figures.CURVES - len(best))
    return best + [others[int(i * step)] for i in range(figures.CURVES - len(best))]


def _thinned(values: Sequence[Any]) -> list[Any]:
    """At most so many of the values, the first and the last among them."""
    most = figures.POINTS
    if len(values) <= most:
        return list(values)
    return [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]
