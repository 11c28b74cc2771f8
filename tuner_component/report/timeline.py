"""Which worker ran what when, and the workers' idle time."""

import collections
import dataclasses
import math
import re
from collections.abc import Sequence

from tuner_component.report.attempts import AttemptRecord
from tuner_component.report.record import StudyRecord


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
        for node, mine in sorted(groups.items(), key=lambda item: natural(item[0]))
    ]


def natural(name: str) -> list[str | int]:
    """What sorts names by the numbers in them."""
    # More digits are no number to count with, and Python refuses to read thousands.
    parts = re.split(r"([0-9]{1,18})", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]
