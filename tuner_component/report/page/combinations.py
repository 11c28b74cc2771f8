"""The report's combinations: a line for each trial, across an axis for each value.

Drawn with plain lines. Plotly's own parallel coordinates take its largest bundle, colour
the best trials as pale as any, and cannot be read aloud nor printed sharply.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tuner_component.report import importance
from tuner_component.report.page import axes, figures
from tuner_component.report.page.axes import ScoreAxis
from tuner_component.report.page.palette import ACCENT, GREY, INK
from tuner_component.report.record import StudyRecord, TrialRecord
from tuner_component.search.spelling import counted

_AXES = 10
_TICKS = 5
# Where a line passes an axis whose hyperparameter its trial does not have.
_MISSING = -0.12


@dataclasses.dataclass(frozen=True)
class Axis:
    """One of the parallel axes.

    Attributes:
        name: What it shows.
        places: Where each trial's line passes it, from 0 to 1.
        ticks: Places on it, with what stands there.
    """

    name: str
    places: Sequence[float]
    ticks: Sequence[tuple[float, str]]


def parallel_coordinates(
    study: StudyRecord, shares: dict[str, float]
) -> go.Figure | None:
    """The figure; None with fewer than two trials, or if nothing was varied.

    Args:
        study: The study.
        shares: How much each hyperparameter matters, which decides on the order.
    """
    names = figures.ordered(study, shares)[:_AXES]
    trials = _chosen(study.completed)
    if len(trials) < 2 or not names or study.objective is None:
        return None
    found = [_axis(study, name, trials) for name in names]
    scores = [trial.score or 0.0 for trial in trials]
    better = study.objective.direction
    found.append(of_scores(study.objective.name, scores, better))
    return drawn(study, trials, found, figures.top(study.completed))


def drawn(
    study: StudyRecord,
    trials: Sequence[TrialRecord],
    found: Sequence[Axis],
    stand_out: Sequence[TrialRecord],
    names: tuple[str, str] = ("best trial", "next best"),
) -> go.Figure:
    """A figure of parallel axes, for trials of which some stand out, the first most.

    Args:
        study: The study.
        trials: Those that are drawn.
        found: The axes.
        stand_out: Those that are drawn the strongest.
        names: What the first of these is called, and the others.
    """
    figure = figures.blank(
        height=430,
        margin={"l": 28, "r": 36, "t": 76, "b": 40},
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0},
    )
    best = stand_out[0].trial_id if stand_out else None
    strong = {trial.trial_id for trial in stand_out} - {best}
    kinds = (
        ("other trials", GREY, 1, lambda t: t.trial_id not in {best, *strong}),
        (names[1], INK, 2, lambda t: t.trial_id in strong),
        (names[0], ACCENT, 4, lambda t: t.trial_id == best),
    )
    for name, colour, width, belongs in kinds:
        chosen = [i for i, trial in enumerate(trials) if belongs(trial)]
        if chosen:
            _lines(figure, trials, found, chosen, name, colour, width)
    _scales(figure, found)
    missing = any(place == _MISSING for axis in found for place in axis.places)
    note = (
        "A line below an axis: the trial does not have that hyperparameter."
        if missing
        else ""
    )
    told = ", ".join(figures.escaped(axis.name) for axis in found)
    more = len(study.completed) - len(trials)
    if more > 0:
        drawn_too = "the best, and an even selection of the others"
        note = f"Drawn are {len(trials)} trials: {drawn_too}. {note}".strip()
    return figures.described(
        figure, f"{counted(len(trials), 'trial')} as lines across axes of {told}.", note
    )


def _lines(
    figure: go.Figure,
    trials: Sequence[TrialRecord],
    found: Sequence[Axis],
    chosen: Sequence[int],
    name: str,
    colour: str,
    width: float,
) -> None:
    x: list[float | None] = []
    y: list[float | None] = []
    ids: list[str | None] = []
    text: list[str | None] = []
    for i in chosen:
        x += [*range(len(found)), None]
        y += [*(round(axis.places[i], 4) for axis in found), None]
        ids += [figures.escaped(trials[i].trial_id, 10_000)] * len(found) + [None]
        score = figures.escaped(trials[i].score)
        told = f"trial {figures.escaped(trials[i].trial_id)}: {score}"
        text += [told] * len(found) + [None]
    figure.add_scatter(
        x=x,
        y=y,
        text=text,
        customdata=ids,
        mode="lines",
        name=name,
        line={"color": colour, "width": width},
        hovertemplate="%{text}<extra></extra>",
    )


def _scales(figure: go.Figure, found: Sequence[Axis]) -> None:
    """Draws the axes themselves, their ticks and their names."""
    figure.update_yaxes(visible=False, range=[_MISSING - 0.06, 1.06], fixedrange=True)
    figure.update_xaxes(
        visible=False, range=[-0.15, len(found) - 1 + 0.6], fixedrange=True
    )
    # White behind words, in part: lines would cross them out.
    paper = {"bgcolor": "rgba(255,255,255,0.8)", "borderpad": 1}
    for number, axis in enumerate(found):
        figure.add_shape(
            type="line",
            x0=number,
            x1=number,
            y0=0,
            y1=1,
            line={"color": INK, "width": 1},
        )
        figure.add_annotation(
            x=number,
            y=1.06,
            text=f"<b>{figures.escaped(axis.name, 22)}</b>",
            showarrow=False,
            textangle=-18,
            xanchor="left",
            yanchor="bottom",
            xshift=-8,
        )
        for place, text in axis.ticks:
            figure.add_annotation(
                x=number,
                y=place,
                text=figures.escaped(text, 16),
                showarrow=False,
                xanchor="left",
                xshift=4,
                font={"size": 11},
                **paper,
            )


def _chosen(trials: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
    """The trials that are drawn: the best ones, and an even selection of the others."""
    if len(trials) <= figures.LINES:
        return trials
    best = figures.top(trials)
    others = trials[len(best) :]
    count = figures.LINES - len(best)
    return [*best, *(others[int(i * len(others) / count)] for i in range(count))]


def _axis(study: StudyRecord, name: str, trials: Sequence[TrialRecord]) -> Axis:
    values = [trial.hyperparameters.get(name) for trial in trials]
    known = [value for value in values if value is not None]
    if not all(map(importance.is_number, known)):
        return _of_words(name, values)
    return _of_numbers(name, values, figures.is_logarithmic(study, name, known))


def _of_words(name: str, values: Sequence[Any]) -> Axis:
    kinds = sorted({str(value) for value in values if value is not None})
    last = max(1, len(kinds) - 1)
    places = [
        _MISSING if value is None else kinds.index(str(value)) / last
        for value in values
    ]
    step = math.ceil(len(kinds) / 12)
    ticks = [(i / last, kind) for i, kind in enumerate(kinds) if i % step == 0]
    return Axis(name, places, ticks)


def _of_numbers(name: str, values: Sequence[Any], logarithmic: bool) -> Axis:
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    scale = math.log10 if logarithmic else float
    start, end = scale(low), scale(high)
    width = end - start or 1.0
    places = [
        _MISSING if value is None else (scale(value) - start) / width
        for value in values
    ]
    if logarithmic:
        chosen = axes.log_settings(low, high)["tickvals"]
    else:
        chosen = _round_numbers(low, high, axes.are_whole(known))
    ticks = [((scale(value) - start) / width, f"{value:.6g}") for value in chosen]
    return Axis(name, places, ticks)


def of_scores(name: str, scores: Sequence[float], direction: str) -> Axis:
    """The objective, its better end on top; what lies out of view is at the bottom."""
    axis = ScoreAxis.of(scores, direction)
    one = _of_numbers(name, [axis.clipped(score) for score in scores], axis.logarithmic)
    if direction == "max":
        return one
    return Axis(
        name,
        [1 - place for place in one.places],
        [(1 - place, text) for place, text in one.ticks],
    )


def _round_numbers(low: float, high: float, whole: bool) -> list[float]:
    """Round numbers within a range: 5 or so, whole ones if all values are."""
    if low == high or not math.isfinite(high - low):
        return [low]
    step = 10.0 ** math.floor(math.log10((high - low) / _TICKS))
    step = next(s * step for s in (1, 2, 5, 10) if (high - low) / (s * step) <= _TICKS)
    step = max(1.0, step) if whole else step
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]
