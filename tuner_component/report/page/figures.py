"""The report's plots, as Plotly figures.

All that comes from users (names, values, messages) goes through `escaped`: Plotly reads
some HTML in its labels. A figure's `layout.meta` has what a page needs beside it: `alt`, a
description in words; `note`, what is not to be seen in it.
"""

import html
import math
from collections.abc import Sequence
from typing import Any, TypeVar

import plotly.graph_objects as go

from tuner_component.report import importance, improvement
from tuner_component.report.importance import Weights
from tuner_component.report.judgement import space
from tuner_component.report.page import axes
from tuner_component.report.page.axes import ScoreAxis
from tuner_component.report.page.palette import ACCENT, GREY, INK
from tuner_component.report.record import StudyRecord, TrialRecord
from tuner_component.search.spelling import counted

_T = TypeVar("_T")

# At most so many are drawn: more would be a blot, and a large file.
CURVES, POINTS, LINES, _SLICES = 60, 120, 200, 12
# Of each kind of markers in one plot. A browser takes a millisecond for one or two.
_MARKERS = 300
# Markers: of the best trial, of those that follow it, and of what lies out of view.
STAR = {"color": ACCENT, "size": 15, "symbol": "star"}
_WHOLE, _STOPPED, _OUT = "completed", "stopped early", "out of view"
_KINDS: dict[str, dict[str, Any]] = {
    _WHOLE: {"color": GREY},
    _STOPPED: {
        "color": GREY,
        "symbol": "x-thin",
        "line": {"color": GREY, "width": 1.5},
    },
    _OUT: {"color": GREY, "size": 8},
}
# So many of the best trials stand out: a share of all, at the least and at the most.
_TOP, _LEAST_TOP, _MOST_TOP = 0.1, 3, 15


def escaped(value: Any, length: int = 60) -> str:
    """A value as text for a label, without HTML and at most `length` characters long."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return html.escape(text if len(text) <= length else f"{text[: length - 1]}…")


def label(trial: TrialRecord) -> str:
    """A trial and its values, as the text of a marker."""
    values = "<br>".join(
        f"{escaped(name)}: {escaped(value)}"
        for name, value in list(trial.hyperparameters.items())[:12]
    )
    return f"trial {escaped(trial.trial_id)}<br>{values}"


def blank(**layout: Any) -> go.Figure:
    """An empty figure in the style of the report.

    Args:
        **layout: Of Plotly's, in place of the report's.
    """
    figure = go.Figure()
    figure.update_layout(
        template="plotly_white",
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        height=340,
        hovermode="closest",
    )
    figure.update_xaxes(automargin=True, exponentformat="power")
    figure.update_yaxes(automargin=True, exponentformat="power")
    return figure.update_layout(**layout)


def described(figure: go.Figure, alt: str, note: str = "") -> go.Figure:
    """The figure, with words for those who do not see it, and for what it leaves out."""
    return figure.update_layout(meta={"alt": alt, "note": note})


def top(trials: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
    """Of trials in the order of their scores, those that stand out in a plot."""
    count = min(_MOST_TOP, max(_LEAST_TOP, math.ceil(_TOP * len(trials))))
    return trials[:count]


def history(study: StudyRecord) -> go.Figure | None:
    """Scores in the order in which trials ended, and the best so far."""
    pairs = improvement.best_so_far(study)
    if not pairs or study.objective is None:
        return None
    direction, name = study.objective.direction, escaped(study.objective.name)
    order = [trial for trial, _ in pairs]
    best = [trial.score or 0.0 for _, trial in pairs]
    axis = ScoreAxis.of([trial.score or 0.0 for trial in order], direction)
    figure = blank(xaxis_title="trials completed", yaxis_title=name)
    _points(figure, list(enumerate(order, 1)), axis)
    numbers = list(range(1, len(order) + 1))
    figure.add_scatter(
        x=numbers,
        y=best,
        mode="lines",
        name="best so far",
        line={"color": ACCENT, "width": 2.5, "shape": "hv"},
        hoverinfo="skip",
    )
    _star(figure, study, {t.trial_id: n for n, t in enumerate(order, 1)})
    figure.update_yaxes(**axis.settings)
    figure.update_xaxes(**axes.whole_ticks(0, len(order)))
    return described(
        figure,
        f"{name} of {counted(len(order), 'trial')} in the order in which they ended. The "
        f"best so far goes from {best[0]:.6g} to {best[-1]:.6g}.",
        _left_out(order, axis),
    )


def _points(
    figure: go.Figure, placed: Sequence[tuple[Any, TrialRecord]], axis: ScoreAxis
) -> None:
    """Adds a marker for each trial; at the edge of the plot for one that lies beyond.

    Of very many, some are left out, evenly.
    """
    for kind, style in _KINDS.items():
        members = _thinned([p for p in placed if _kind(p[1], axis) == kind])
        if not members:
            continue
        marker = dict(style)
        if kind == _OUT:
            up = (members[0][1].score or 0.0) > axis.high
            marker["symbol"] = f"triangle-{'up' if up else 'down'}-open"
        figure.add_scatter(
            x=[x for x, _ in members],
            y=[axis.clipped(trial.score or 0.0) for _, trial in members],
            text=[f"{escaped(t.score)}<br>{label(t)}" for _, t in members],
            customdata=[escaped(t.trial_id, 10_000) for _, t in members],
            mode="markers",
            name=kind,
            marker={"size": 7, **marker},
            cliponaxis=kind != _OUT,
            hovertemplate="%{text}<extra></extra>",
        )


def _thinned(members: list[_T]) -> list[_T]:
    return members[:: max(1, math.ceil(len(members) / _MARKERS))]


def _star(figure: go.Figure, study: StudyRecord, places: dict[str, Any]) -> None:
    best = study.best
    if best is None or best.trial_id not in places:
        return
    figure.add_scatter(
        x=[places[best.trial_id]],
        y=[best.score],
        text=[label(best)],
        customdata=[escaped(best.trial_id, 10_000)],
        mode="markers",
        name="best trial",
        marker=STAR,
        cliponaxis=False,
        hovertemplate="best: %{y}<br>%{text}<extra></extra>",
    )


def _kind(trial: TrialRecord, axis: ScoreAxis) -> str:
    """How a trial is marked: a name of `_KINDS`."""
    if not axis.holds(trial.score or 0.0):
        return _OUT
    return _STOPPED if trial.stopped else _WHOLE


def _left_out(trials: Sequence[TrialRecord], axis: ScoreAxis) -> str:
    """What to say of the scores that an axis has no room for, and of markers left out."""
    scores = [trial.score or 0.0 for trial in trials]
    out = [score for score in scores if not axis.holds(score)]
    told = []
    if out:
        worst = max(out) if out[0] > axis.high else min(out)
        count = "1 trial is" if len(out) == 1 else f"{len(out)} trials are"
        told.append(
            f"{count} out of view, marked at the edge; the worst score is {worst:.6g}."
        )
    kinds = [[t for t in trials if _kind(t, axis) == kind] for kind in _KINDS]
    drawn = sum(len(_thinned(members)) for members in kinds)
    if drawn < len(trials):
        told.append(f"{drawn} of {len(trials)} trials are drawn; the table has all.")
    return " ".join(told)


def parameter_importance(weights: Weights) -> go.Figure | None:
    """Bars of what hyperparameters matter; grey, and called chance, if that is all."""
    shares = weights.shares
    if not shares:
        return None
    bars = list(shares.items())[:20][::-1]
    is_chance = weights.is_chance
    figure = blank(xaxis_title="share of what is explained", height=96 + 30 * len(bars))
    figure.add_bar(
        x=[share for _, share in bars],
        y=[escaped(name, 30) for name, _ in bars],
        orientation="h",
        # The first is the one that decides.
        marker_color=[GREY] * (len(bars) - 1) + [GREY if is_chance else ACCENT],
        text=[f"{share:.0%}" for _, share in bars],
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
        name="share",
    )
    figure.update_xaxes(
        tickformat=".0%", range=[0, 1.15 * max(share for _, share in bars)], nticks=6
    )
    told = ", ".join(f"{escaped(name)} {share:.0%}" for name, share in bars[::-1])
    return described(
        figure,
        f"How much each hyperparameter matters: {told}.",
        "This is chance: no hyperparameter explains the scores." if is_chance else "",
    )


def slices(study: StudyRecord, shares: dict[str, float]) -> list[go.Figure]:
    """Scores by the values of each hyperparameter."""
    if study.objective is None or not study.completed:
        return []
    # The same for all, also where a hyperparameter is not active in every trial.
    scores = [trial.score or 0.0 for trial in study.completed]
    axis = ScoreAxis.of(scores, study.objective.direction)
    names = ordered(study, shares)[:_SLICES]
    return [_slice(study, name, axis, shares.get(name)) for name in names]


def ordered(study: StudyRecord, shares: dict[str, float]) -> list[str]:
    """The hyperparameters that were varied, the important ones first."""
    return sorted(importance.varied(study), key=lambda name: -shares.get(name, 0.0))


def is_logarithmic(study: StudyRecord, name: str, values: Sequence[Any]) -> bool:
    """Whether the values of a hyperparameter are shown by their order of magnitude.

    Those of a range are if they were searched so: one that begins at zero may have small
    values that mean nothing.
    """
    one = space.ranges(study).get(name)
    if one is not None and one.kind in ("Int", "Float"):
        return one.logarithmic and min(values) > 0 and min(values) < max(values)
    return axes.spreads(values)


def _slice(
    study: StudyRecord, name: str, axis: ScoreAxis, share: float | None
) -> go.Figure:
    objective = escaped(study.objective.name if study.objective else "score")
    having = [trial for trial in study.completed if name in trial.hyperparameters]
    values = [trial.hyperparameters[name] for trial in having]
    numeric = all(map(importance.is_number, values))
    places = values if numeric else [escaped(value, 20) for value in values]
    title = escaped(name) if share is None else f"{escaped(name)} ({share:.0%})"
    figure = blank(
        height=280, xaxis_title=title, yaxis_title=objective, showlegend=False
    )
    _points(figure, list(zip(places, having, strict=True)), axis)
    # Again, and above: most of the others would hide them.
    strong = {trial.trial_id for trial in top(study.completed)}
    stand_out = [
        (place, trial)
        for place, trial in zip(places, having, strict=True)
        if trial.trial_id in strong
    ]
    figure.add_scatter(
        x=[place for place, _ in stand_out],
        y=[axis.clipped(trial.score or 0.0) for _, trial in stand_out],
        text=[label(trial) for _, trial in stand_out],
        customdata=[escaped(t.trial_id, 10_000) for _, t in stand_out],
        mode="markers",
        name="best trials",
        marker={"color": INK, "size": 8},
        hovertemplate="%{y}<br>%{text}<extra></extra>",
    )
    _star(
        figure,
        study,
        {t.trial_id: place for place, t in zip(places, having, strict=True)},
    )
    figure.update_yaxes(**axis.settings)
    if not numeric:
        kinds = sorted({str(place) for place in places})
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=kinds)
    elif is_logarithmic(study, name, values):
        figure.update_xaxes(**axes.log_settings(min(values), max(values), most=6))
    elif axes.are_whole(values):
        figure.update_xaxes(**axes.whole_ticks(min(values), max(values)))
    return described(
        figure,
        f"{objective} by {escaped(name)}, of {counted(len(having), 'trial')}.",
        _left_out(having, axis),
    )
