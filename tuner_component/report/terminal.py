"""The live view of a search, on a terminal."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tuner_component.search import events, watching

# Pictures a second: enough to see changes soon, and too few to cost anything.
_REFRESH_HZ = 1.0
_WORKERS_SHOWN = 32


@contextlib.contextmanager
def shown(console: Console | None = None) -> Iterator[events.Observer]:
    """An observer that shows the search: a live view on a terminal, lines elsewhere.

    What this process logs or prints meanwhile appears above the view.

    Args:
        console: Where to show it; standard error by default.
    """
    # If colours are forced (FORCE_COLOR), rich takes a pod's log for a terminal.
    forced = None if sys.stderr.isatty() else False
    console = console or Console(stderr=True, force_terminal=forced)
    if not console.is_terminal or console.is_dumb_terminal:
        yield watching.Lines()
        return
    view = LiveView()
    live = Live(view, console=console, refresh_per_second=_REFRESH_HZ)
    with _untorn(live):
        yield view


@contextlib.contextmanager
def _untorn(live: Live) -> Iterator[None]:
    """Shows a view, and makes log handlers write above it.

    The view replaces `sys.stderr` and `sys.stdout` by streams that print above it. Log
    handlers keep the stream that was there when they were made, so they are given the
    new one.
    """
    before = (sys.stdout, sys.stderr)
    with live:
        moved: list[tuple[Any, Any]] = []
        after = (sys.stdout, sys.stderr)
        for handler in _handlers():
            stream = getattr(handler, "stream", None)
            if stream in before:
                moved.append((handler, stream))
                handler.stream = after[before.index(stream)]
        try:
            yield
        finally:
            for handler, stream in moved:
                handler.stream = stream


def _handlers() -> Iterator[Any]:
    """All log handlers, and those that they pass records on to (absl's does)."""
    loggers = [logging.getLogger()]
    for logger in logging.Logger.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            loggers.append(logger)
    for logger in loggers:
        for handler in logger.handlers:
            yield handler
            behind = getattr(handler, "python_handler", None)
            if behind is not None:
                yield behind


class LiveView:
    """What is going on in a search, as a table."""

    def __init__(self) -> None:
        self._tally = watching.Tally()
        self._pace = watching.Pace()
        self._running: dict[str, _Running] = {}
        self._started = time.monotonic()
        self._ended_before = 0
        self._places: events.PlacesChanged | None = None
        self._ending = ""

    def __call__(self, event: events.Event) -> None:
        """Takes note of an event."""
        self._tally.count(event)
        self._pace.count(event)
        if isinstance(event, events.SearchStarted):
            self._started = time.monotonic()
            self._ended_before = self._done
        elif isinstance(event, events.TrialStarted):
            self._running[event.trial_id] = _Running(event.worker)
        elif isinstance(event, events.EpochEnded):
            if running := self._running.get(event.trial_id):
                running.note(event, self._tally.search)
        elif isinstance(event, events.PlacesChanged):
            self._places = event
        elif isinstance(event, events.SearchEnding):
            self._ending = event.reason
        else:
            self._running.pop(event.trial_id, None)

    def __rich__(self) -> Group:
        """What to show now."""
        search = self._tally.search
        if search is None:
            return Group(Text("The search is being set up ...", style="dim"))
        parts: list[Any] = [self._summary(search)]
        if self._places is not None:
            parts.append(_where(self._places, len(self._running)))
        if self._ending:
            parts.append(Text(self._ending))
        if self._running:
            parts.append(self._workers())
        parts += [Text(warning, "yellow") for _, warning in self._pace.too_slow()]
        return Group(*parts)

    def _summary(self, search: events.SearchStarted) -> Table:
        tally = self._tally
        grid = Table.grid(padding=(0, 2))
        total = search.max_trials
        done = f"{tally.ended} of {total} trials" if total else f"{tally.ended} trials"
        counts = Text(done, style="bold")
        if tally.failed:
            counts.append(f", {tally.failed} failed", style="red")
        if tally.paused:
            counts.append(f", {len(tally.paused)} paused", style="yellow")
        if search.reruns:
            counts.append(f", {tally.reruns} of {search.reruns} re-runs", style="green")
        bar: Any = ProgressBar(total or 100, tally.ended if total else 0, width=24)
        grid.add_row(bar if total else "", counts, Text(self._left(), style="dim"))
        if tally.standing is not None:
            text = Text(tally.standing[0].upper() + tally.standing[1:], "green")
            grid.add_row("", text, "")
        elif tally.best is not None:
            best = Text.assemble(
                "best ",
                (f"{tally.best[0]:.6g}", "bold green"),
                f" {search.objective}, trial {tally.best[1]}",
            )
            grid.add_row("", best, "")
        return grid

    def _left(self) -> str:
        """How long the search has run, and about how long it will."""
        seconds = time.monotonic() - self._started
        text = f"{_clock(seconds)} so far"
        total = self._tally.search.max_trials if self._tally.search else None
        done = self._done - self._ended_before
        if self._tally.search:
            total = total and total + self._tally.search.reruns
        if total and done:
            left = seconds / done * max(0, total - self._done)
            text += f", about {_clock(left)} left"
        return text

    @property
    def _done(self) -> int:
        return self._tally.ended + self._tally.reruns

    def _workers(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name in ("worker", "trial", "time", "epoch", "metrics"):
            table.add_column(name, no_wrap=name != "metrics")
        # A copy: another thread draws, and this dictionary may grow meanwhile.
        running = sorted(self._running.copy().items(), key=lambda r: r[1].worker)
        for trial_id, state in running[:_WORKERS_SHOWN]:
            table.add_row(*map(Text, (state.worker, trial_id, *state.cells())))
        if len(running) > _WORKERS_SHOWN:
            table.add_row(Text(f"and {len(running) - _WORKERS_SHOWN} more"))
        return table


def _where(places: events.PlacesChanged, running: int) -> Text:
    """How many trials run, and in how many places of the cluster they could."""
    waits = places.open < places.wanted
    return Text.assemble(
        f"{running} running, ", (f"{places}", "yellow" if waits else "")
    )


class _Running:
    """A trial on a worker."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self._started = time.monotonic()
        self._epoch = ""
        self._metrics = ""

    def note(
        self, event: events.EpochEnded, search: events.SearchStarted | None
    ) -> None:
        """Takes note of an epoch."""
        self._epoch = str(event.epoch + 1)
        if event.fit:
            self._epoch += f" (training {event.fit + 1})"
        first = search.objective if search else ""
        names = sorted(event.metrics, key=lambda name: name != first)
        self._metrics = ", ".join(f"{n} {event.metrics[n]:.4g}" for n in names[:3])

    def cells(self) -> tuple[str, str, str]:
        """How long it has run, its last epoch, and the metrics after it."""
        return _clock(time.monotonic() - self._started), self._epoch, self._metrics


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
