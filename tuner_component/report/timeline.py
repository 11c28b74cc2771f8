"""Which worker ran what when: the report's timeline, and the workers' idle time."""

import dataclasses
import datetime
import math
from collections.abc import Sequence

import plotly.graph_objects as go

from tuner_component.report import figures
from tuner_component.report.record import AttemptRecord, StudyRecord

_COLOURS = {
    "completed": figures.BLUE,
    "stopped early": figures.ORANGE,
    "failed": figures.RED,
    "lost": figures.GREY,
    "running": figures.GREEN,
}


@dataclasses.dataclass(frozen=True)
class Span:
    """An attempt, as a bar of the timeline. Times are seconds since the epoch."""

    worker: str
    trial_id: str
    outcome: str
    started: float
    ended: float


def spans(study: StudyRecord) -> list[Span]:
    """All attempts with a known worker and start."""
    attempts = [attempt for trial in study.trials for attempt in trial.attempts]
    found = []
    for trial in study.trials:
        for attempt in trial.attempts:
            if attempt.started is None or attempt.worker is None:
                continue
            outcome: str = attempt.outcome
            if outcome == "completed" and trial.stopped:
                outcome = "stopped early"
            ended = attempt.ended
            if ended is None:
                ended = _last_sign(attempt, attempts)
            started = attempt.started
            found.append(Span(attempt.worker, trial.trial_id, outcome, started, ended))
    return found


def _last_sign(attempt: AttemptRecord, attempts: Sequence[AttemptRecord]) -> float:
    """The last time at which an attempt without a known end was still running.

    It still runs, or was interrupted together with the whole search. So it ran beside all
    that other workers did before its own worker started the next attempt.
    """
    began = attempt.started or 0.0
    starts = [o.started or 0.0 for o in attempts if o.worker == attempt.worker]
    again = min((start for start in starts if start > began), default=math.inf)
    signs = [o.started if o.ended is None else o.ended for o in attempts]
    return max(
        (s for s in signs if s is not None and began <= s < again), default=began
    )


def busy_share(found: list[Span]) -> float | None:
    """The share of the workers' time in which they ran trials."""
    total = busy = 0.0
    for worker in {span.worker for span in found}:
        mine = [span for span in found if span.worker == worker]
        began, end = min(s.started for s in mine), max(s.ended for s in mine)
        total += end - began
        busy += math.fsum(span.ended - span.started for span in mine)
    return min(1.0, busy / total) if total > 0 else None


def timeline(study: StudyRecord) -> go.Figure | None:
    """A row for each worker, a bar for each attempt; gaps are idle time."""
    found = spans(study)
    if not found:
        return None
    workers = sorted({span.worker for span in found}, key=_by_number)
    figure = figures.blank(height=140 + 24 * len(workers), barmode="overlay")
    for outcome, colour in _COLOURS.items():
        mine = [span for span in found if span.outcome == outcome]
        if not mine:
            continue
        figure.add_bar(
            y=[figures.escaped(span.worker, 24) for span in mine],
            x=[1000 * (span.ended - span.started) for span in mine],
            base=[_time(span.started) for span in mine],
            customdata=[
                [figures.escaped(span.trial_id), f"{span.ended - span.started:.1f}"]
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
    order = [figures.escaped(worker, 24) for worker in workers]
    return figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=order[::-1]
    )


def _time(seconds: float) -> str:
    when = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return when.strftime("%Y-%m-%d %H:%M:%S.%f")


def _by_number(worker: str) -> tuple[str, int]:
    name = worker.rstrip("0123456789")
    return name, int(worker[len(name) :] or 0)
