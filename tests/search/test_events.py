"""What a search tells those who watch it, counted and put into words."""

import logging

import pytest

from tuner_component.search import events

_TRACEBACK = "Traceback (most recent call last):\n  File\n    f()\n"
BEGUN = events.SearchStarted("/study", "loss", "min", 2, max_trials=9)


def tally(*told: events.Event) -> events.Tally:
    result = events.Tally()
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


def test_a_failure_is_counted_and_no_best() -> None:
    """A trial without a score would be compared with others."""
    found = tally(BEGUN, events.TrialEnded("0", False))
    assert (found.completed, found.failed, found.best) == (0, 1, None)


@pytest.mark.parametrize(
    ("max_trials", "known", "expected"),
    [(9, 3, 9), (3, 8, 8), (None, 8, None), (0, 8, None)],
)
def test_there_are_never_more_trials_than_expected(
    max_trials: int | None, known: int, expected: int | None
) -> None:
    """8 of 3 trials would complete where an oracle says less than it did."""
    assert events.expected_trials(max_trials, known) == expected


def test_each_event_is_a_line() -> None:
    """A log would say less than a terminal shows."""
    lines: list[str] = []
    observer = events.Lines(lines.append)
    for event in (
        BEGUN,
        events.TrialStarted("0", "worker-1", {}),
        events.EpochEnded("0", 0, 0, {"loss": 1.0}),
        events.AttemptLost("0", "killed\nby somebody"),
        events.TrialEnded("0", False, None, "ValueError"),
        events.TrialEnded("1", True, 0.25),
    ):
        observer(event)
    assert lines == [
        "Search in /study: 2 trials at a time.",
        "Trial 0 starts on worker-1.",
        "Trial 0 will be run again: killed.",
        "Trial 0 failed (1 of 9, 1 failed).",
        "Trial 1 completed (2 of 9, 1 failed): loss 0.25; best so far 0.25 by trial 1.",
    ]


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (
            "a worker killed by signal 9 (SIGKILL)",
            "a worker killed by signal 9 (SIGKILL)",
        ),
        (
            f"{_TRACEBACK}KeyError: 1\n\n{_TRACEBACK}ValueError: no\nmore",
            "ValueError: no",
        ),
        ("", ""),
    ],
)
def test_cause_is_the_line_that_names_it(message: str, cause: str) -> None:
    """Failures could be neither grouped nor told in a line."""
    assert events.cause_of(message) == cause


def test_an_observer_that_fails_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """A full disk under TensorBoard's files would end the search."""

    def broken(event: events.Event) -> None:
        raise OSError("no space left on device")

    told: list[events.Event] = []
    audience = events.Audience([broken, told.append])
    with caplog.at_level(logging.WARNING, "tuner_component"):
        audience(BEGUN)
        audience(BEGUN)
    assert told == [BEGUN, BEGUN]
    assert caplog.text.count("Going on without") == 1
