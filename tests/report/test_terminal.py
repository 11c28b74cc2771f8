"""The live view: what it shows, and that it tears no log apart."""

import contextlib
import io
import logging
import re
import sys

import pytest
from rich.console import Console

from tuner_component.report import terminal
from tuner_component.search import events, watching

BEGUN = events.SearchStarted("study", "val_loss", "min", 2, max_trials=8, completed=2)


def text_of(view: terminal.LiveView) -> str:
    console = Console(width=100, file=io.StringIO(), force_terminal=False)
    with console.capture() as captured:
        console.print(view)
    return captured.get()


def a_view() -> terminal.LiveView:
    view = terminal.LiveView()
    view(BEGUN)
    view(events.TrialStarted("2", "worker-0", {"x": 1}))
    view(events.TrialStarted("3", "worker-1", {"x": 2}))
    return view


def test_shows_what_each_worker_does() -> None:
    """A worker that trains would look like one that hangs."""
    view = a_view()
    view(events.EpochEnded("3", 0, 6, {"loss": 0.5, "val_loss": 0.25}))
    lines = text_of(view).splitlines()
    (line,) = [line for line in lines if "worker-1" in line]
    worker, trial, time, epoch, *_ = line.split()
    assert (worker, trial, epoch) == ("worker-1", "3", "7")
    assert re.fullmatch(r"\d+:\d\d", time)
    assert "val_loss 0.25, loss 0.5" in line


def test_counts_the_trials_of_earlier_runs() -> None:
    """A search that goes on would seem to start over."""
    view = a_view()
    view(events.TrialEnded("2", True, 0.125))
    view(events.TrialEnded("3", False, None, "ValueError"))
    text = text_of(view)
    assert "4 of 8 trials, 1 failed" in text
    assert "best 0.125 val_loss, trial 2" in text
    assert "left" in text
    assert "worker-" not in text


def test_counts_reruns() -> None:
    """A search that confirms its best trials would seem to hang at its end."""
    view = terminal.LiveView()
    view(events.SearchStarted("study", "val_loss", "min", 2, max_trials=8, reruns=6))
    view(events.TrialEnded("3", True, 0.5))
    view(events.TrialEnded("10003", True, 0.125, confirms="3"))
    text = text_of(view)
    assert "1 of 8 trials, 1 of 6 re-runs" in text
    assert "best 0.5 val_loss, trial 3" in text


def test_paused_trials_are_counted_and_not_shown_as_running() -> None:
    """A trial would vanish, or its worker seem to be at it."""
    view = a_view()
    view(events.TrialPaused("2", 3))
    assert "1 paused" in text_of(view)
    assert "worker-0" not in text_of(view)
    view(events.TrialStarted("2", "worker-1", {"x": 1}))
    assert "paused" not in text_of(view)


def test_lost_attempt_leaves_the_worker_idle() -> None:
    """A worker that is gone would be shown for ever."""
    view = a_view()
    view(events.AttemptLost("2", "a worker killed by signal 9 (SIGKILL)"))
    assert "worker-0" not in text_of(view)


def test_shows_why_the_search_ends() -> None:
    """Workers would idle, and the count stop below its total, for no known reason."""
    view = a_view()
    view(events.SearchEnding("Ended after 4 of 8 trials."))
    assert "Ended after 4 of 8 trials." in text_of(view)
    assert "worker-1" in text_of(view)  # It still trains.


def test_shows_the_places_of_a_cluster() -> None:
    """A search that waits for nodes would look like one that hangs."""
    view = a_view()
    assert "place" not in text_of(view)
    view(events.PlacesChanged(open=52, wanted=64, nodes=13))
    assert "2 running, waiting for 12 of 64 places; 52 are on 13 nodes" in text_of(view)
    view(events.PlacesChanged(open=64, wanted=64, nodes=16))
    assert "2 running, 64 of 64 places on 16 nodes" in text_of(view)
    assert "worker-0" in text_of(view)


def test_before_the_search_begins_it_says_so() -> None:
    """While TensorFlow is imported, the screen would be empty."""
    assert "set up" in text_of(terminal.LiveView())


def test_names_are_no_markup() -> None:
    """A worker or metric called [red] would vanish, or raise."""
    view = a_view()
    view(events.TrialStarted("[/red]", "[bold]", {}))
    view(events.EpochEnded("[/red]", 0, 0, {"[x]": 1.0}))
    assert "[bold]" in text_of(view) and "[x] 1" in text_of(view)


def test_no_terminal_gets_a_line_for_each_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A log file would be full of control characters."""
    caplog.set_level(logging.INFO, "tuner_component")
    with terminal.shown(Console(file=io.StringIO())) as observer:
        observer(BEGUN)
        observer(events.TrialStarted("2", "worker-0", {}))
        observer(events.EpochEnded("2", 0, 0, {"loss": 1.0}))
        observer(events.AttemptLost("2", "out of memory\nand more"))
        observer(events.TrialEnded("2", True, 0.5))
    assert [record.getMessage() for record in caplog.records] == [
        "Search in study: 2 trials at a time, 2 trials are done.",
        "Trial 2 starts on worker-0.",
        "Trial 2 will be run again: out of memory.",
        "Trial 2 completed (3 of 8): val_loss 0.5; best so far 0.5 by trial 2.",
    ]


def test_forced_colours_make_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pod's log would be full of control characters where FORCE_COLOR is set."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with terminal.shown() as observer:
        assert isinstance(observer, watching.Lines)


def test_logs_appear_whole_above_the_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipeline's own lines would be written into the middle of the table."""
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    # A dumb one, as some services have, shows no view.
    monkeypatch.setenv("TERM", "xterm")
    log = logging.getLogger("somebody")
    handler = logging.StreamHandler()
    log.addHandler(handler)
    console = Console(file=screen, force_terminal=True, width=80, height=20)
    with contextlib.ExitStack() as stack:
        stack.callback(log.removeHandler, handler)
        observer = stack.enter_context(terminal.shown(console))
        observer(BEGUN)
        log.warning("a line of the pipeline")
    assert handler.stream is screen
    # The view is rubbed out before the line, and drawn again below it.
    before, _, after = screen.getvalue().partition("a line of the pipeline\n")
    assert before.endswith("\x1b[2K") and "trials" in after
