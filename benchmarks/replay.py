"""Runs searches on learning curves, with a simulated clock.

The clock knows only what is in a table: how long an epoch takes at each point. Nothing
that the machine does meanwhile changes what a search finds. How long suggestions take is
measured beside it, in processor time.
"""

import dataclasses
import heapq
import math
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
        epoch_s: How long an epoch takes: known once it runs.
    """

    trial_id: Any
    place: tuple[int, ...]
    begin: int = 0
    end: int = curve_tasks.EPOCHS
    epoch_s: float = math.nan


class Searcher(Protocol):
    """A search to compare with others.

    Attributes:
        looks_ahead: Whether it makes its next suggestion while trials run, before a
            worker is idle, and so without their results.
    """

    looks_ahead: bool

    def begin(self) -> Trial | None:
        """Returns a trial to run; None if there is none now, or none at all."""

    def report(self, trial: Trial, epoch: int, loss: float) -> bool:
        """Receives an epoch's loss; returns whether the trial should be stopped."""

    def end(self, trial: Trial, best: float, stopped: bool) -> None:
        """Receives a trial's result."""


# For each hyperparameter that is not always active: that which decides, and the values of
# it at which it is.
Conditions = dict[str, tuple[str, list[Any]]]


class Task(Protocol):
    """Learning curves at the points of a search space.

    Attributes:
        space: The search space. Values that are texts have no order.
        conditions: When hyperparameters are active, if not always. The place of one that
            is inactive is 0.
        final: What points reach if they are trained to the end, their best epoch's loss:
            all points, or a sample of them.
        training_s: How long a training to the end takes, in the mean over the points.
    """

    @property
    def space(self) -> curve_tasks.Space: ...
    @property
    def conditions(self) -> Conditions: ...
    @property
    def final(self) -> np.ndarray: ...
    @property
    def training_s(self) -> float: ...

    def curve(self, place: tuple[int, ...]) -> np.ndarray:
        """The loss after each epoch at a point."""

    def epoch_s(self, place: tuple[int, ...]) -> float:
        """How long an epoch takes at a point."""

    def target(self, share: float) -> float:
        """The loss that the best points reach; they are this share of all points."""


@dataclasses.dataclass(frozen=True)
class Table:
    """The learning curves of a task, at every point of its space.

    Attributes:
        space: The search space.
        loss: The validation loss by the point's place and the epoch.
        seconds: How long an epoch takes, by the point's place.
        conditions: See `Task`.
    """

    space: curve_tasks.Space
    loss: np.ndarray
    seconds: np.ndarray
    conditions: Conditions = dataclasses.field(default_factory=dict)

    @property
    def final(self) -> np.ndarray:
        """What each point reaches if it is trained to the end: its best epoch's loss."""
        best: np.ndarray = self.loss.min(axis=-1)
        return best

    @property
    def training_s(self) -> float:
        """How long a training to the end takes, in the mean over all points."""
        return float(self.seconds.mean() * self.loss.shape[-1])

    def curve(self, place: tuple[int, ...]) -> np.ndarray:
        """The loss after each epoch at a point."""
        found: np.ndarray = self.loss[place]
        return found

    def epoch_s(self, place: tuple[int, ...]) -> float:
        """How long an epoch takes at a point."""
        return float(self.seconds[place])

    def target(self, share: float) -> float:
        """The loss that the best points reach; they are this share of all points."""
        return float(np.quantile(self.final, share))


def is_recorded(name: str) -> bool:
    """Whether all curves of a task are recorded."""
    path = _CURVES / f"{name}.npz"
    return path.exists() and not np.isnan(np.load(path)["seconds"]).any()


def recorded(name: str) -> Table:
    """The recorded curves of a task."""
    if not is_recorded(name):
        raise ValueError(
            f"Expected all curves of {name}. Received: an incomplete record. "
            f"Run python -m benchmarks.record_curves {name}."
        )
    kept = np.load(_CURVES / f"{name}.npz")
    # A diverged point gets the worst loss, so that searchers need no special case.
    loss = np.nan_to_num(kept["loss"], nan=1e6, posinf=1e6).clip(max=1e6)
    return Table(curve_tasks.TASKS[name].space, loss, kept["seconds"] * TIME_SCALE)


@dataclasses.dataclass
class Outcome:
    """The outcome of a search.

    Attributes:
        ends: For each trial that ended: the seconds by then, and the best loss so far.
        suggestions_s: The processor time that each suggestion really took.
        ended_itself: Whether it had no more trials before it was told to end.
    """

    ends: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    suggestions_s: list[float] = dataclasses.field(default_factory=list)
    ended_itself: bool = False

    @property
    def best(self) -> float:
        """The best loss of all; infinite if no trial ended."""
        return self.ends[-1][1] if self.ends else math.inf


def run(
    searcher: Searcher,
    table: Task,
    workers: int,
    limit_s: float,
    enough: Callable[[float, float], bool] = lambda best, now: False,
    start_s: float = 0.0,
) -> Outcome:
    """Runs trials until `limit_s`, or until a trial ends with `enough(best loss, now)`.

    Before its first epoch a trial takes `start_s`, also one that goes on. A suggestion takes
    no time by this clock. A searcher that looks ahead does so in the moment when a trial
    starts.
    """
    outcome = Outcome()
    count, idle, now = 0, workers, 0.0
    events: list[tuple[float, int, Trial, int, float]] = []
    ahead: Trial | None = None

    def suggest() -> Trial | None:
        before = time.thread_time()
        trial = searcher.begin()
        if trial is not None:
            outcome.suggestions_s.append(time.thread_time() - before)
        return trial

    while True:
        while idle:
            trial, ahead = ahead or suggest(), None
            if trial is None:
                break
            idle, count = idle - 1, count + 1
            trial.epoch_s = table.epoch_s(trial.place)
            due = now + start_s + trial.epoch_s
            heapq.heappush(events, (due, count, trial, trial.begin, math.inf))
            if workers > 1 and searcher.looks_ahead:
                ahead = suggest()
        if not events or events[0][0] > limit_s:
            outcome.ended_itself = not events
            return outcome
        now, number, trial, epoch, so_far = heapq.heappop(events)
        loss = float(table.curve(trial.place)[epoch])
        so_far = min(so_far, loss)
        stopped = searcher.report(trial, epoch, loss)
        if not stopped and epoch + 1 < trial.end:
            due = now + trial.epoch_s
            heapq.heappush(events, (due, number, trial, epoch + 1, so_far))
            continue
        searcher.end(trial, so_far, stopped)
        idle += 1
        best = min(outcome.best, so_far)
        outcome.ends.append((float(now), best))
        if enough(best, now):
            return outcome
