"""The report's picture of several objectives: all trials, and the front among them."""

from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go

from tuner_component.report.page import combinations, figures, palette
from tuner_component.report.page.axes import typical
from tuner_component.report.record import StudyRecord, TrialRecord
from tuner_component.search.spelling import counted

# A kind of trials: its name in the legend, the trials, and the look of their markers.
_Kind = tuple[str, list[TrialRecord], dict[str, Any]]


def front(study: StudyRecord) -> go.Figure | None:
    """Two objectives as a plane, more as parallel axes; None without a front."""
    names = [one.name for one in study.objectives]
    trials = [t for t in study.completed if all(name in t.metrics for name in names)]
    if not study.front or not trials:
        return None
    if len(names) == 2:
        return _plane(study, trials, *names)
    return _axes(study, trials[: figures.LINES], names)


def _plane(study: StudyRecord, trials: list[TrialRecord], x: str, y: str) -> go.Figure:
    figure = figures.blank(
        height=440, xaxis_title=figures.escaped(x), yaxis_title=figures.escaped(y)
    )
    line = sorted((t.metrics[x], t.metrics[y]) for t in study.on_front)
    figure.add_scatter(
        x=[point[0] for point in line],
        y=[point[1] for point in line],
        mode="lines",
        name="front",
        line={"color": palette.INK, "width": 2},
        hoverinfo="skip",
    )
    for name, members, marker in _kinds(study, trials):
        figure.add_scatter(
            x=[trial.metrics[x] for trial in members],
            y=[trial.metrics[y] for trial in members],
            text=[figures.label(trial) for trial in members],
            customdata=[figures.escaped(t.trial_id, 10_000) for t in members],
            mode="markers",
            name=name,
            marker=marker,
            hovertemplate="%{x}, %{y}<br>%{text}<extra></extra>",
        )
    out = _limit(figure, study, trials)
    return figures.described(
        figure,
        f"{counted(len(trials), 'trial')} by {figures.escaped(x)} and "
        f"{figures.escaped(y)}; {len(study.front)} on the front.",
        f"{counted(out, 'trial')} out of view." if out else "",
    )


def _kinds(study: StudyRecord, trials: list[TrialRecord]) -> Iterator[_Kind]:
    """The trials by what they are, those that matter most last."""
    goals, on_front = study.goals, set(study.front)
    others: dict[str, list[TrialRecord]] = {}
    for trial in trials:
        if trial.trial_id not in on_front:
            violates = goals is not None and goals.violation(trial.metrics) > 0
            kind = "violates a constraint" if violates else "stopped early"
            kind = kind if violates or trial.stopped else "completed"
            others.setdefault(kind, []).append(trial)
    looks: dict[str, dict[str, Any]] = {
        "violates a constraint": {"color": palette.AMBER, "symbol": "x-thin-open"},
        "stopped early": {"color": palette.GREY, "symbol": "x-thin-open"},
        "completed": {"color": palette.GREY},
    }
    for name, marker in looks.items():
        if name in others:
            yield name, others[name], marker
    best, *rest = study.on_front
    if rest:
        yield "on the front", rest, {"color": palette.INK, "size": 9}
    yield "best trial", [best], figures.STAR


def _limit(figure: go.Figure, study: StudyRecord, trials: Sequence[TrialRecord]) -> int:
    """Limits the axes to typical values; all of the front is shown.

    Returns:
        How many trials are not.
    """
    out: set[str] = set()
    axes = (figure.update_xaxes, figure.update_yaxes)
    for one, update in zip(study.objectives, axes, strict=True):
        values = [trial.metrics[one.name] for trial in trials]
        on_front = [trial.metrics[one.name] for trial in study.on_front]
        low, high = typical(values, one.direction)
        margin = 0.05 * (max(on_front) - min(on_front))
        low, high = min(low, min(on_front) - margin), max(high, max(on_front) + margin)
        if low < high:
            update(range=[low, high])
            beyond = [t for t in trials if not low <= t.metrics[one.name] <= high]
            out |= {trial.trial_id for trial in beyond}
    return len(out)


def _axes(study: StudyRecord, trials: list[TrialRecord], names: list[str]) -> go.Figure:
    """Better is up on each axis; the trials of the front stand out."""
    found = [
        combinations.of_scores(
            one.name, [trial.metrics[one.name] for trial in trials], one.direction
        )
        for one in study.objectives
    ]
    on_front = [trial for trial in study.on_front if trial in trials]
    return combinations.drawn(study, trials, found, on_front, ("best trial", "front"))
