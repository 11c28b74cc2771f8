"""What a search tells those who watch it, counted and put into words."""

from __future__ import annotations

import dataclasses
import time

import pytest

from tuner_component.search import events, watching

BEGUN = events.SearchStarted("/study", "loss", "min", 2, max_trials=9)


def tally(*told: events.Event) -> watching.Tally:
    result = watching.Tally()
    for event in told:
        result.count(event)
    return result


@pytest.mark.parametrize(("direction", "best"), [("min", "0"), ("max", "1")])
def test_best_follows_the_direction(direction: str, best: str) -> None:
    """The worst trial would be shown as the best."""
    begun = events.SearchStarted("/study", "loss", direction, 2)
    ended = [events.TrialEnded(str(i), True, i / 10) for i in (0, 1)]
    found = tally(begun, *ended).best
    assert found is not None and found[1] == best


def test_earlier_runs_count() -> None:
    """A search that goes on would look as if it began anew."""
    begun = events.SearchStarted("/study", "loss", "min", 2, None, 3, 1, (0.0, "2"))
    found = tally(begun, events.TrialEnded("4", True, 0.5))
    assert (found.completed, found.failed, found.best) == (4, 1, (0.0, "2"))


def test_paused_trials_are_counted_until_they_go_on_or_end() -> None:
    """They would be counted as done, or for ever as paused."""
    begun = events.SearchStarted("/study", "loss", "min", 2, paused=("4", "5"))
    found = tally(
        begun,
        events.TrialPaused("6", 3),
        events.TrialStarted("4", "worker-0", {}),
        events.TrialEnded("5", True, 0.5),
    )
    assert found.paused == {"6"}
    assert found.completed == 1


def test_a_failure_is_counted_and_no_best() -> None:
    """A trial without a score would be compared with others."""
    found = tally(BEGUN, events.TrialEnded("0", False))
    assert (found.completed, found.failed, found.best) == (0, 1, None)


def test_reruns_are_counted_apart() -> None:
    """There would be more trials than there are, and a re-run be the best of them."""
    begun = events.SearchStarted(
        *("/study", "loss", "min", 2), reruns=4, rerun_scores={"3": (0.5, None)}
    )
    told = events.TrialEnded("10003", True, 0.0, confirms="3")
    found = tally(begun, events.TrialStarted("10003", "w", {}, "3"), told)
    assert (found.ended, found.best, found.reruns) == (0, None, 3)


def test_a_rerun_says_whose_it_is() -> None:
    """A log would name trials that nobody knows."""
    lines: list[str] = []
    observer = watching.Lines(lines.append)
    observer(events.TrialStarted("10003", "worker-1", {}, "3"))
    observer(events.TrialEnded("10003", True, 0.25, confirms="3"))
    observer(events.TrialEnded("20003", False, None, "ValueError", "3"))
    assert lines == [
        "Trial 10003 starts on worker-1: trial 3 again.",
        "Trial 3 was run again (10003): score 0.25.",
        "Trial 3 was run again (20003): it failed.",
    ]


def test_each_event_is_a_line() -> None:
    """A log would say less than a terminal shows."""
    lines: list[str] = []
    observer = watching.Lines(lines.append)
    for event in (
        BEGUN,
        events.TrialStarted("0", "worker-1", {}),
        events.EpochEnded("0", 0, 0, {"loss": 1.0}),
        events.AttemptLost("0", "killed\nby somebody"),
        events.TrialPaused("0", 3),
        events.TrialEnded("0", False, None, "ValueError"),
        events.TrialEnded("1", True, 0.25),
    ):
        observer(event)
    assert lines == [
        "Search in /study: 2 trials at a time.",
        "Trial 0 starts on worker-1.",
        "Trial 0 will be run again: killed.",
        "Trial 0 is paused after epoch 3.",
        "Trial 0 failed (1 of 9, 1 failed): ValueError.",
        "Trial 1 completed (2 of 9, 1 failed): loss 0.25; best so far 0.25 by trial 1.",
    ]


def test_a_paused_trial_that_ends_is_given_up() -> None:
    """A trial would be said to be paused, and to have completed without going on."""
    lines: list[str] = []
    observer = watching.Lines(lines.append)
    begun = dataclasses.replace(BEGUN, paused=("0",))
    for event in (
        begun,
        events.TrialEnded("0", True, 2.5),
        events.TrialPaused("1", 1),
        events.TrialEnded("1", True, 2.0),
        events.TrialPaused("2", 1),
        events.TrialStarted("2", "worker-1", {}),
        events.TrialEnded("2", True, 0.5),
    ):
        observer(event)
    best = "best so far {} by trial {}."
    assert "Trial 2 continues on worker-1." in lines  # It is not started a second time.
    assert [line for line in lines if "loss" in line] == [
        f"Trial 0 is given up (1 of 9): loss 2.5; {best.format(2.5, 0)}",
        f"Trial 1 is given up after epoch 1 (2 of 9): loss 2; {best.format(2, 1)}",
        f"Trial 2 completed (3 of 9): loss 0.5; {best.format(0.5, 2)}",
    ]


@pytest.mark.parametrize(
    ("workers", "completed", "said"),
    [
        (1, 1, "1 trial at a time, 1 trial is done."),
        (2, 3, "2 trials at a time, 3 trials are done."),
        (0, 1, "in process, 1 trial is done."),
    ],
)
def test_one_trial_is_no_plural(workers: int, completed: int, said: str) -> None:
    """A log would say "1 trials are done"."""
    lines: list[str] = []
    watching.Lines(lines.append)(
        dataclasses.replace(BEGUN, workers=workers, completed=completed)
    )
    assert lines == [f"Search in /study: {said}"]


def test_why_a_search_ends_is_a_line() -> None:
    """A log would stop in the middle of a search, and not say why."""
    lines: list[str] = []
    watching.Lines(lines.append)(events.SearchEnding("Ended after 4 of 9 trials."))
    assert lines == ["Ended after 4 of 9 trials."]


def test_other_places_are_a_line() -> None:
    """A pod's log would not tell why fewer trials run than were asked for."""
    lines: list[str] = []
    observer = watching.Lines(lines.append)
    for places in ((0, 64, 0), (1, 64, 1), (1, 64, 1), (52, 64, 13), (64, 64, 16)):
        observer(events.PlacesChanged(*places))
    assert lines == [
        "Waiting for 64 of 64 places.",
        "Waiting for 63 of 64 places; 1 is on 1 node.",
        "Waiting for 12 of 64 places; 52 are on 13 nodes.",
        "64 of 64 places on 16 nodes.",
    ]


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _paced(*seconds: float) -> tuple[watching.Pace, Clock]:
    """The pace of a search whose trials took so long."""
    clock = Clock()
    pace = watching.Pace(clock)
    for number, took in enumerate(seconds):
        pace.count(events.TrialStarted(str(number), "worker-0", {}))
        clock.now += took
        pace.count(events.TrialEnded(str(number), True, 1.0))
    pace.count(events.TrialStarted("slow", "worker-0", {}))
    return pace, clock


def test_a_trial_that_takes_ten_times_as_long_as_most_is_named() -> None:
    """Without a time limit nobody would ever hear of a trial that hangs."""
    pace, clock = _paced(10.0, 20.0, 30.0)
    clock.now += 200.0
    assert pace.too_slow() == []
    clock.now += 1.0
    [(trial_id, warning)] = pace.too_slow()
    assert trial_id == "slow"
    assert "has run for 201 seconds" in warning
    assert "trial_timeout_seconds" in warning
    pace.count(events.AttemptLost("slow", "killed"))
    assert pace.too_slow() == []


def test_no_trial_is_slow_by_chance() -> None:
    """A search would be full of warnings that mean nothing."""
    pace, clock = _paced(10.0, 10.0)
    clock.now += 10_000.0
    assert pace.too_slow() == []  # Two are no measure.
    pace, clock = _paced(0.1, 0.1, 0.1)
    clock.now += 59.0
    assert pace.too_slow() == []  # It may have been compiled, or another machine busy.


def test_lines_warn_of_a_slow_trial_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pod's log would not tell that a trial hangs, or tell nothing else."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    told: list[str] = []
    lines = watching.Lines(told.append)
    for trial_id in "0123":
        lines(events.TrialStarted(trial_id, "worker-0", {}))
        if trial_id < "3":
            clock.now += 10.0
            lines(events.TrialEnded(trial_id, True, 1.0))
    del told[:]
    clock.now += 900.0
    for epoch in range(3):
        lines(events.EpochEnded("3", 0, epoch, {}))
    assert [text[:31] for text in told] == ["Trial 3 has run for 900 seconds"]
