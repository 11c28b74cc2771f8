"""The report's plots, as Plotly figures.

All that comes from users (names, values, messages) goes through `escaped`: Plotly reads
some HTML in its labels.
"""

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

from tuner_component.report import importance
from tuner_component.report.record import StudyRecord, TrialRecord

# Distinguishable for people who see few colours (Okabe and Ito).
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#9aa0a6"
LIGHT_BLUE = "#56b4e9"
_SCALE = "Viridis"
# At most so many are drawn: more would be a blot, and a large file.
CURVES, POINTS, LINES, _SLICES = 60, 120, 500, 12


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
        margin={"l": 8, "r": 8, "t": 16, "b": 8},
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        height=360,
        hovermode="closest",
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure.update_layout(**layout)


def history(study: StudyRecord) -> go.Figure | None:
    """Scores in the order in which trials ended, and the best so far."""
    order = sorted(study.completed, key=lambda trial: trial.ended or math.inf)
    if not order or study.objective is None:
        return None
    better = min if study.objective.direction == "min" else max
    scores = [trial.score or 0.0 for trial in order]
    best = [scores[0]]
    for score in scores[1:]:
        best.append(better(best[-1], score))
    numbers = list(range(1, len(order) + 1))
    figure = blank(
        xaxis_title="trials completed", yaxis_title=escaped(study.objective.name)
    )
    for stopped, name, symbol in ((False, "trials", "circle"), (True, "stopped", "x")):
        chosen = [i for i, t in enumerate(order) if bool(t.stopped) is stopped]
        if chosen:
            figure.add_scatter(
                x=[numbers[i] for i in chosen],
                y=[scores[i] for i in chosen],
                text=[label(order[i]) for i in chosen],
                mode="markers",
                name=name,
                marker={"color": BLUE if not stopped else ORANGE, "symbol": symbol},
                hovertemplate="%{y}<br>%{text}<extra></extra>",
            )
    figure.add_scatter(
        x=numbers, y=best, mode="lines", name="best so far", line_color=GREEN
    )
    limit_scores(figure, scores, study.objective.direction)
    return figure


def limit_scores(figure: go.Figure, scores: Sequence[float], direction: str) -> None:
    """Limits the axis of the scores to those that are `typical`."""
    low, high = typical(scores, direction)
    if low < high:
        figure.update_yaxes(range=[low, high])


def typical(scores: Sequence[float], direction: str) -> tuple[float, float]:
    """The range of an axis that a few diverged trials do not flatten.

    Args:
        scores: What is to be shown: the better ones all are.
        direction: "min" or "max".
    """
    order = sorted(scores)
    low, high = order[0], order[-1]
    quarter = len(order) // 4
    spread = 5 * (order[-1 - quarter] - order[quarter])
    if spread > 0 and direction == "max":
        low = max(low, order[quarter] - spread)
    elif spread > 0:
        high = min(high, order[-1 - quarter] + spread)
    margin = 0.05 * (high - low)
    return low - margin, high + margin


def parameter_importance(shares: dict[str, float]) -> go.Figure | None:
    """Bars of `importance.importances`."""
    if not shares:
        return None
    top = list(shares.items())[:20][::-1]
    figure = blank(xaxis_title="share", height=90 + 28 * len(top))
    figure.add_bar(
        x=[share for _, share in top],
        y=[escaped(name, 30) for name, _ in top],
        orientation="h",
        marker_color=BLUE,
        text=[f"{share:.0%}" for _, share in top],
        textposition="auto",
        cliponaxis=False,
    )
    return figure.update_xaxes(tickformat=".0%", rangemode="tozero")


def parallel_coordinates(
    study: StudyRecord, shares: dict[str, float]
) -> go.Figure | None:
    """A line for each of the best trials, through its values."""
    trials, names = study.completed[:LINES], _ordered(study, shares)[:10]
    if len(trials) < 2 or not names or study.objective is None:
        return None
    scores = [trial.score or 0.0 for trial in trials]
    low, high = typical(scores, study.objective.direction)
    logarithmic = {name for name in names if _is_logarithmic(_values(study, name))}
    dimensions = [_dimension(name, trials, name in logarithmic) for name in names]
    dimensions.append({"label": study.objective.name[:24], "values": scores})
    figure = blank(height=420, margin={"l": 64, "r": 48, "t": 56, "b": 24})
    figure.add_parcoords(
        dimensions=dimensions,
        labelangle=-12,
        line={
            "color": scores,
            "colorscale": _SCALE,
            "cmin": low,
            "cmax": high,
            "reversescale": study.objective.direction == "min",
            "showscale": False,
        },
    )
    return figure


def _ordered(study: StudyRecord, shares: dict[str, float]) -> list[str]:
    """The hyperparameters that were varied, the important ones first."""
    return sorted(importance.varied(study), key=lambda name: -shares.get(name, 0.0))


def _values(study: StudyRecord, name: str) -> list[Any]:
    having = (t.hyperparameters for t in study.completed if name in t.hyperparameters)
    return [values[name] for values in having]


def _dimension(
    name: str, trials: Sequence[TrialRecord], logarithmic: bool
) -> dict[str, Any]:
    values: list[Any] = [trial.hyperparameters.get(name) for trial in trials]
    # Not escaped: Plotly reads no HTML in parallel coordinates, and would show escapes.
    label = name if len(name) <= 24 else f"{name[:23]}…"
    if not all(map(importance.is_number, values)):
        kinds = sorted({str(value) for value in values})
        ticks = {
            "tickvals": list(range(len(kinds))),
            "ticktext": [k[:16] for k in kinds],
        }
        numbers = [kinds.index(str(value)) for value in values]
        return {"label": label, "values": numbers, **ticks}
    if logarithmic:
        logs = [math.log10(value) for value in values]
        whole = range(math.floor(min(logs)), math.ceil(max(logs)) + 1)
        return {
            "label": label,
            "values": logs,
            "tickvals": list(whole),
            "ticktext": [f"{10.0**power:g}" for power in whole],
        }
    return {"label": label, "values": values}


def _is_logarithmic(values: Iterable[Any]) -> bool:
    """Whether values are numbers that spread over orders of magnitude."""
    known = list(values)
    if not known or not all(map(importance.is_number, known)):
        return False
    return bool(min(known) > 0 and max(known) / min(known) >= 50)


def slices(study: StudyRecord, shares: dict[str, float]) -> list[go.Figure]:
    """Scores by the values of each hyperparameter."""
    if study.objective is None:
        return []
    trials = study.completed
    scores = [trial.score or 0.0 for trial in trials] or [0.0]
    figures = []
    for name in _ordered(study, shares)[:_SLICES]:
        having = [trial for trial in trials if name in trial.hyperparameters]
        values = [trial.hyperparameters[name] for trial in having]
        numeric = all(map(importance.is_number, values))
        figure = blank(
            height=280,
            xaxis_title=escaped(name),
            yaxis_title=escaped(study.objective.name),
            showlegend=False,
        )
        figure.add_scatter(
            x=values if numeric else [escaped(value, 20) for value in values],
            y=[trial.score for trial in having],
            customdata=[escaped(trial.trial_id) for trial in having],
            mode="markers",
            marker={"color": BLUE, "opacity": 0.6, "size": 7},
            hovertemplate="trial %{customdata}<br>%{x}: %{y}<extra></extra>",
        )
        if numeric and _is_logarithmic(values):
            figure.update_xaxes(type="log", exponentformat="e")
        elif not numeric:
            figure.update_xaxes(type="category")
        # The same for all, also where a hyperparameter is not active in every trial.
        limit_scores(figure, scores, study.objective.direction)
        figures.append(figure)
    return figures
