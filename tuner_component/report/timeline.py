"""Which worker ran what when: the report's timeline, and the workers' idle time."""

import collections
import dataclasses
import datetime
import math
import re
from collections.abc import Sequence

import plotly.graph_objects as go

from tuner_component.report import figures
from tuner_component.report.attempts import AttemptRecord
from tuner_component.report.record import StudyRecord

_COLOURS = {
    "completed": figures.BLUE,
    "stopped early": figures.ORANGE,
    "paused": figures.LIGHT_BLUE,
    "failed": figures.RED,
    "lost": figures.GREY,
    "running": figures.GREEN,
}

# Characters of a worker's id: its number, and the whole of an IPv6 address.
_LABEL = 52


@dataclasses.dataclass(frozen=True)
class Span:
    """An attempt, as a bar of the timeline. Times are seconds since the epoch."""

    worker: str
    trial_id: str
    outcome: str
    started: float
    ended: float
    node: str | None = None


@dataclasses.dataclass(frozen=True)
class NodeTotals:
    """What ran on a node of a cluster.

    Attributes:
        node: The node.
        workers: Number of workers that ran there.
        attempts: Number of attempts.
        lost: How many of them came to nothing, and were run again.
        seconds: How long they took, one after another.
        busy: The share of its workers' time in which they ran trials.
    """

    node: str
    workers: int
    attempts: int
    lost: int
    seconds: float
    busy: float | None


def spans(study: StudyRecord) -> list[Span]:
    """All attempts with a known worker and start."""
    trials = (*study.trials, *study.reruns)
    attempts = [attempt for trial in trials for attempt in trial.attempts]
    found = []
    for trial in trials:
        for attempt in trial.attempts:
            if attempt.started is None or attempt.worker is None:
                continue
            outcome: str = attempt.outcome
            if outcome == "completed" and trial.stopped:
                outcome = "stopped early"
            ended = attempt.ended
            if ended is None:
                ended = _last_sign(attempt, attempts)
            found.append(
                Span(
                    attempt.worker,
                    trial.trial_id,
                    outcome,
                    attempt.started,
                    ended,
                    attempt.node,
                )
            )
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


def by_node(found: list[Span]) -> list[NodeTotals]:
    """What ran on each node of a cluster; empty if all ran on one machine."""
    groups: dict[str, list[Span]] = collections.defaultdict(list)
    for span in found:
        if span.node is not None:
            groups[span.node].append(span)
    return [
        NodeTotals(
            node=node,
            workers=len({span.worker for span in mine}),
            attempts=len(mine),
            lost=sum(span.outcome == "lost" for span in mine),
            seconds=math.fsum(span.ended - span.started for span in mine),
            busy=busy_share(mine),
        )
        for node, mine in sorted(groups.items(), key=lambda item: _natural(item[0]))
    ]


def timeline(study: StudyRecord) -> go.Figure | None:
    """A row for each worker, a bar for each attempt; gaps are idle time.

    The workers of a node are beside each other.
    """
    found = spans(study)
    if not found:
        return None
    rows = {(span.node or "", span.worker) for span in found}
    workers = [
        worker for _, worker in sorted(rows, key=lambda row: [*map(_natural, row)])
    ]
    figure = figures.blank(height=140 + 24 * len(workers), barmode="overlay")
    for outcome, colour in _COLOURS.items():
        mine = [span for span in found if span.outcome == outcome]
        if not mine:
            continue
        figure.add_bar(
            y=[figures.escaped(span.worker, _LABEL) for span in mine],
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
    order = [figures.escaped(worker, _LABEL) for worker in workers]
    return figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=order[::-1]
    )


def _time(seconds: float) -> str:
    when = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return when.strftime("%Y-%m-%d %H:%M:%S.%f")


def _natural(name: str) -> list[str | int]:
    """What sorts names by the numbers in them."""
    # More digits are no number to count with, and Python refuses to read thousands.
    parts = re.split(r"([0-9]{1,18})", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]
