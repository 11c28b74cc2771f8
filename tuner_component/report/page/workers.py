"""The report's timeline: which worker ran what when."""

import datetime

import plotly.graph_objects as go

from tuner_component.report import timeline
from tuner_component.report.page import figures, palette
from tuner_component.report.record import StudyRecord
from tuner_component.search.spelling import counted
from tuner_component.search.study import times

_COLOURS = {
    "completed": palette.SLATE,
    "best": palette.ACCENT,
    "stopped early": palette.GREY,
    "paused": palette.PURPLE,
    "failed": palette.RED,
    "lost": palette.AMBER,
    "running": palette.GREEN,
}

# Characters of a worker's id: its number, and the whole of an IPv6 address.
_LABEL = 52


def timeline_of(study: StudyRecord) -> go.Figure | None:
    """A row for each worker, a bar for each attempt; gaps are idle time.

    The workers of a node are beside each other.
    """
    found = timeline.spans(study)
    if not found:
        return None
    rows = {(span.node or "", span.worker) for span in found}
    workers = [
        worker
        for _, worker in sorted(rows, key=lambda row: [*map(timeline.natural, row)])
    ]
    figure = figures.blank(height=140 + 24 * len(workers), barmode="overlay")
    best = study.best.trial_id if study.best else None
    for outcome, colour in _COLOURS.items():
        mine = [span for span in found if _kind(span, best) == outcome]
        if not mine:
            continue
        figure.add_bar(
            y=[figures.escaped(span.worker, _LABEL) for span in mine],
            x=[1000 * (span.ended - span.started) for span in mine],
            base=[_time(span.started) for span in mine],
            customdata=[
                [
                    figures.escaped(span.trial_id, 10_000),
                    f"{span.ended - span.started:.1f}",
                ]
                for span in mine
            ],
            orientation="h",
            name=outcome,
            # A thin edge separates trials, unless there are too many to see any.
            marker={
                "color": colour,
                "line": {"color": "white", "width": 0.5 if len(found) < 300 else 0},
            },
            hovertemplate="trial %{customdata[0]}: %{customdata[1]} s<extra></extra>",
        )
    figure.update_xaxes(type="date", title="time (UTC)")
    order = [figures.escaped(worker, _LABEL) for worker in workers]
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=order[::-1]
    )
    busy = timeline.busy_share(found)
    share = "" if busy is None else f"; workers are busy {busy:.0%} of the time"
    return figures.described(
        figure,
        f"{counted(len(found), 'attempt')} of trials on "
        f"{counted(len(workers), 'worker')}, one bar each{share}.",
    )


def _kind(span: timeline.Span, best: str | None) -> str:
    """What the colour of a bar says."""
    is_best = span.trial_id == best and span.outcome in ("completed", "stopped early")
    return "best" if is_best else span.outcome


def _time(seconds: float) -> str:
    moment = times.in_calendar(seconds)
    when = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
    return when.strftime("%Y-%m-%d %H:%M:%S.%f")
