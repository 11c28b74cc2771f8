"""Searches on recorded curves: what the simulated clock and the loss of a trial are."""

import math
import time
from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from benchmarks import replay, searchers, synthetic_curves

# Three points of two epochs; at the last one an epoch takes twice as long.
TABLE = replay.Table(
    {"point": [0, 1, 2]},
    np.array([[3.0, 2.0], [5.0, 6.0], [4.0, 1.0]]),
    np.array([1.0, 1.0, 2.0]),
)


class Scripted:
    """Suggests points in a given order, and may take its time about it."""

    def __init__(
        self, points: Iterable[int], thinks_s: float = 0.0, looks_ahead: bool = False
    ) -> None:
        self._points: Iterator[int] = iter(points)
        self._thinks_s = thinks_s
        self.looks_ahead = looks_ahead
        self.told: list[tuple[str, int]] = []

    def begin(self) -> replay.Trial | None:
        until = time.thread_time() + self._thinks_s
        while time.thread_time() < until:
            pass
        point = next(self._points, None)
        if point is None:
            return None
        self.told.append(("begin", point))
        return replay.Trial(point, (point,), end=2)

    def report(self, trial: replay.Trial, epoch: int, loss: float) -> bool:
        return loss > 4.5  # As the second point has it.

    def end(self, trial: replay.Trial, best: float, stopped: bool) -> None:
        self.told.append(("end", trial.trial_id))


def test_the_clock_counts_epochs_of_all_workers() -> None:
    """A search with two workers would be no faster than with one."""
    alone = replay.run(Scripted([0, 1, 2]), TABLE, 1, math.inf)
    assert alone.ends == [(2.0, 2.0), (3.0, 2.0), (7.0, 1.0)]
    together = replay.run(Scripted([0, 1, 2]), TABLE, 2, math.inf)
    assert together.ends == [(1.0, 5.0), (2.0, 2.0), (5.0, 1.0)]


def test_a_beginning_takes_time_before_the_first_epoch() -> None:
    """Searches that begin many trials would look better than they are where it does."""
    outcome = replay.run(Scripted([0, 2]), TABLE, 1, math.inf, start_s=10.0)
    assert outcome.ends == [(12.0, 2.0), (26.0, 1.0)]


def test_what_a_suggestion_takes_changes_no_result() -> None:
    """Other work on the machine would decide which search is better."""
    quick = replay.run(Scripted([0, 1, 2, 0]), TABLE, 2, math.inf)
    slow = replay.run(Scripted([0, 1, 2, 0], thinks_s=0.02), TABLE, 2, math.inf)
    assert slow.ends == quick.ends
    assert min(slow.suggestions_s) >= 0.02 > max(quick.suggestions_s)


def test_what_looks_ahead_suggests_before_the_results() -> None:
    """A search that thinks ahead would be given results that it does not have."""
    searcher = Scripted([0, 1, 2], looks_ahead=True)
    replay.run(searcher, TABLE, 2, math.inf)
    assert searcher.told[:3] == [("begin", 0), ("begin", 1), ("begin", 2)]


def test_a_search_that_ends_by_itself_is_told_from_one_that_is_ended() -> None:
    """Which searches give up could not be said."""
    assert replay.run(Scripted([0, 2]), TABLE, 1, math.inf).ended_itself
    ended = replay.run(Scripted([0, 2]), TABLE, 1, 5.0)
    assert not ended.ended_itself
    assert ended.ends == [(2.0, 2.0)]


@pytest.mark.parametrize(
    "name",
    ["auto", "ours", "ours random", "optuna hyperband", "kerastuner hyperband"],
)
def test_a_replay_gives_the_same_result_each_time(name: str) -> None:
    """Figures could not be compared with those of another day."""

    def found() -> list[tuple[float, float]]:
        table = synthetic_curves.late_bloomers()
        searcher, workers = searchers.make(name, table, 3, 2)
        return replay.run(searcher, table, workers, 10 * table.training_s).ends

    assert found() == found()


@pytest.mark.parametrize("name", ["kerastuner random", "kerastuner hyperband"])
def test_seeds_beside_each_other_draw_other_points(name: str) -> None:
    """Many seeds would be one, and its luck would look like a sure thing."""
    task = synthetic_curves.conditional()

    def drawn(seed: int) -> set[tuple[int, ...]]:
        searcher, _ = searchers.make(name, task, seed, 2)
        trials = [searcher.begin() for _ in range(20)]
        return {trial.place for trial in trials if trial is not None}

    assert len(drawn(0) & drawn(1)) < 5


def test_all_but_the_stock_tuners_have_the_same_number_of_workers() -> None:
    """A search would look better than another because it has more workers."""
    task = synthetic_curves.late_bloomers()
    elsewhere = ("ray", "syne", "vizier")  # Not installed, or another service.
    names = (name for name in searchers.NAMES if not name.startswith(elsewhere))
    workers = {name: searchers.make(name, task, 0, 8)[1] for name in names}
    assert {w for name, w in workers.items() if not name.startswith("stock")} == {8}
    assert {w for name, w in workers.items() if name.startswith("stock")} == {1}


def test_late_bloomers_look_bad_at_first() -> None:
    """The task would not show what becomes of what starts slowly."""
    table = synthetic_curves.late_bloomers()
    best = table.final <= table.target(0.01)
    for epochs in (1, 3, 9):
        so_far = table.loss[..., :epochs].min(axis=-1)
        better = [(so_far < own).mean() for own in so_far[best]]
        assert np.median(better) > 0.4
