"""The report's learning curves: of many trials, those that are worth a look."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tuner_component.report.page import axes, figures
from tuner_component.report.page.axes import ScoreAxis
from tuner_component.report.page.palette import ACCENT, GREEN, GREY, INK, PURPLE, RED
from tuner_component.report.record import (
    FAILED,
    PAUSED,
    RUNNING,
    StudyRecord,
    TrialRecord,
)
from tuner_component.search.spelling import counted

# The best ones that are drawn in any case, and those that stand out.
_BEST, _STRONG = 10, 6


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
    best = study.best.trial_id if study.best else None
    strong = {trial.trial_id for trial in study.completed[:_STRONG]} - {best}
    name = figures.escaped(metric)
    figure = figures.blank(height=420, xaxis_title="epoch", yaxis_title=name)
    values = [
        value
        for trial in chosen
        for value in trial.executions[0][metric]
        if value is not None and math.isfinite(value)
    ]
    axis = ScoreAxis.of(values, _direction(study, metric)) if values else None
    shown: set[str] = set()
    # The best is drawn last, above all others.
    for trial in sorted(
        chosen, key=lambda t: 2 * (t.trial_id == best) + (t.trial_id in strong)
    ):
        kind, look = _look(trial, trial.trial_id == best, trial.trial_id in strong)
        # One entry of the legend for all curves of a kind.
        entry = {"name": kind, "legendgroup": kind, "showlegend": kind not in shown}
        _draw(figure, trial, trial.executions[0][metric], **entry, **look)
        shown.add(kind)
    epochs = max(len(trial.executions[0][metric]) for trial in chosen)
    figure.update_xaxes(**axes.whole_ticks(1, epochs))
    figure.update_yaxes(**(axis.settings if axis else {}))
    return figures.described(
        figure,
        f"{name} by epoch of {counted(len(chosen), 'trial')}, up to epoch {epochs}.",
        _note(study, chosen, values, axis),
    )


def _note(
    study: StudyRecord,
    chosen: Sequence[TrialRecord],
    values: Sequence[float],
    axis: ScoreAxis | None,
) -> str:
    """What the figure leaves out."""
    told = []
    having = sum(bool(trial.executions) for trial in study.trials)
    if len(chosen) < having:
        told.append(f"Of {having} trials: the best {_BEST}, and some of the others.")
    out = [value for value in values if axis and not axis.holds(value)]
    if out and axis:
        worst = max(out) if max(out) > axis.high else min(out)
        told.append(
            f"{len(out)} of {len(values)} values are out of view, up to {worst:.6g}."
        )
    return " ".join(told)


def _draw(
    figure: go.Figure, trial: TrialRecord, curve: Sequence[float | None], **look: Any
) -> None:
    """Adds a curve, with a cross at its end if the trial was stopped."""
    epochs = _thinned(list(range(1, len(curve) + 1)))
    ends = len(epochs) - 1 if trial.stopped else None
    sizes = [8 if i == ends or len(epochs) == 1 else 0 for i in range(len(epochs))]
    trial_id = figures.escaped(trial.trial_id, 10_000)
    figure.add_scatter(
        x=epochs,
        y=_thinned(list(curve)),
        customdata=[trial_id] * len(epochs),
        mode="lines+markers",
        marker={
            "symbol": "x" if trial.stopped else "circle",
            "size": sizes,
            "line": {"width": 0},
        },
        hovertemplate=f"trial {figures.escaped(trial.trial_id)}<br>"
        "epoch %{x}: %{y}<extra></extra>",
        **look,
    )


def _direction(study: StudyRecord, metric: str) -> str:
    if study.objective is not None and metric == study.objective.name:
        return study.objective.direction
    return "min"  # A loss in all likelihood: see `metric_of`.


def _look(trial: TrialRecord, best: bool, strong: bool) -> tuple[str, dict[str, Any]]:
    """Its entry in the legend, and its line: the better, the stronger."""
    if best:
        return "best", {"line": {"color": ACCENT, "width": 4}}
    if strong:
        return f"next {_STRONG - 1}", {"line": {"color": INK, "width": 2}}
    if trial.stopped:
        return "stopped early", {"line": {"color": GREY, "width": 1}}
    if trial.status == FAILED:
        return "failed", {"line": {"color": RED, "width": 1, "dash": "dot"}}
    if trial.status == PAUSED:
        return "paused", {"line": {"color": PURPLE, "width": 1, "dash": "dash"}}
    if trial.status == RUNNING:
        return "running", {"line": {"color": GREEN, "width": 1.5, "dash": "dash"}}
    return "completed", {"line": {"color": GREY, "width": 1}}


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
