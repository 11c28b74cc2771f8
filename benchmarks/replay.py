"""Runs searches on recorded learning curves, with a simulated clock."""

import dataclasses
import heapq
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks import curve_tasks

# A recorded epoch takes some ten milliseconds. Real epochs take longer, so the clock
# moves as if there were this many times as much data.
TIME_SCALE = 100.0


_CURVES = Path(__file__).parent / "curves"


@dataclasses.dataclass
class Trial:
    """A trial that a searcher starts.

    Attributes:
        trial_id: The searcher's name for it.
        place: The point's place in the table.
        begin: The first epoch; above 0 if it continues another trial.
        end: One more than the last epoch.
    """

    trial_id: Any
    place: tuple[int, ...]
    begin: int = 0
    end: int = curve_tasks.EPOCHS


class Searcher(Protocol):
    """A search to compare with others.

    Attributes:
        slow_s: If the last two suggestions took longer than this, the next one is made
            while trials run, before a worker is idle.
    """

    slow_s: float

    def begin(self) -> Trial | None:
        """Returns a trial to run; None if there is none now, or none at all."""

    def report(self, trial: Trial, epoch: int, loss: float) -> bool:
        """Receives an epoch's loss; returns whether the trial should be stopped."""

    def end(self, trial: Trial, best: float, stopped: bool) -> None:
        """Receives a trial's result."""


def is_recorded(name: str) -> bool:
    """Whether all curves of a task are recorded."""
    path = _CURVES / f"{name}.npz"
    return path.exists() and not np.isnan(np.load(path)["seconds"]).any()


class Table:
    """The recorded curves of a task."""

    def __init__(self, name: str) -> None:
        """Loads them."""
        self.task = curve_tasks.TASKS[name]
        if not is_recorded(name):
            raise ValueError(
                f"Expected all curves of {name}. Received: an incomplete record. "
                f"Run python -m benchmarks.record_curves {name}."
            )
        recorded = np.load(_CURVES / f"{name}.npz")
        loss = recorded["loss"]
        # A diverged point gets the worst loss, so that searchers need no special case.
        self.loss = np.nan_to_num(loss, nan=1e6, posinf=1e6).clip(max=1e6)
        self.seconds = recorded["seconds"] * TIME_SCALE

    def target(self, share: float) -> float:
        """The loss that the best points reach; they are this share of all points."""
        return float(np.quantile(self.loss.min(axis=-1), share))


@dataclasses.dataclass
class Outcome:
    """The outcome of a search.

    Attributes:
        ends: For each trial that ended: seconds and epochs spent by then, and the best
            loss so far.
        suggestions: The processor time that each suggestion really took, in seconds.
    """

    ends: list[tuple[float, int, float]]
    suggestions: list[float]

    def reached(self, target: float) -> tuple[float, int] | None:
        """Seconds and epochs until a trial had ended with the target or better."""
        hits = (end[:2] for end in self.ends if end[2] <= target)
        return next(hits, None)

    def best_after(self, epochs: int) -> float:
        """The best loss after this many epochs, over all trials."""
        within = [best for _, spent, best in self.ends if spent <= epochs]
        return min(within, default=float("nan"))


def run(
    searcher: Searcher,
    table: Table,
    workers: int,
    max_epochs: int,
    enough: Callable[[float, int], bool],
) -> Outcome:
    """Runs trials until `max_epochs` are spent, or `enough(best loss, epochs)` holds.

    A worker waits for its suggestion as long as that really takes, or for the rest of
    that time if the suggestion was started ahead.
    """
    outcome = Outcome([], [])
    best, spent, count = float("inf"), 0, 0
    events: list[tuple[float, int, Trial, int, float]] = []
    idle, now = workers, 0.0
    ahead: tuple[Trial, float] | None = None

    def suggest(since: float) -> tuple[Trial, float] | None:
        before = time.thread_time()  # Does not count the machine's other work.
        trial = searcher.begin()
        if trial is None:
            return None
        outcome.suggestions.append(time.thread_time() - before)
        return trial, since + outcome.suggestions[-1]

    while True:
        while idle and spent < max_epochs:
            found, ahead = ahead or suggest(now), None
            if found is None:
                break
            trial, began = found[0], max(now, found[1])
            idle, count = idle - 1, count + 1
            due = began + table.seconds[trial.place]
            heapq.heappush(events, (due, count, trial, trial.begin, float("inf")))
            if workers > 1 and min([0.0, *outcome.suggestions][-2:]) > searcher.slow_s:
                ahead = suggest(began)
        if not events:
            return outcome
        now, number, trial, epoch, so_far = heapq.heappop(events)
        loss = float(table.loss[(*trial.place, epoch)])
        so_far, spent = min(so_far, loss), spent + 1
        stopped = searcher.report(trial, epoch, loss)
        if not stopped and epoch + 1 < trial.end:
            due = now + table.seconds[trial.place]
            heapq.heappush(events, (due, number, trial, epoch + 1, so_far))
            continue
        searcher.end(trial, so_far, stopped)
        idle, best = idle + 1, min(best, so_far)
        outcome.ends.append((now, spent, best))
        if enough(best, spent):
            return outcome
