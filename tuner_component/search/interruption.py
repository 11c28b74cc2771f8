"""Ending a search in process before its end: on SIGTERM, or at its time budget.

No further trial is handed out, and the one that runs has a grace period. Then it is
interrupted as Ctrl-C would do it: a signal handler raises, between any two bytecodes of
the main thread, an exception that no `except Exception` takes for a failed trial.
"""

import contextlib
import enum
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search.oracle_facade import OracleFacade

_log = logging.getLogger("tuner_component")

# What the main thread is interrupted with. By default it has no effect, so one that comes
# late does no harm; Go's runtime preempts threads with it for that reason.
_NUDGE = signal.SIGURG
# Whoever swallows the exception (a `__del__`, a bare `except`) meets it again.
_AGAIN_S = 1.0

_COMPLETED = trial_lib.TrialStatus.COMPLETED


class TrialInterrupted(BaseException):
    """The running trial is given up; it stays unfinished in its study."""


class _News(enum.Enum):
    SIGNAL = "SIGTERM came"
    SEARCH_OVER = "the search is over"


class Interruption:
    """Whether and why a search in process is to end, and how its last trial does.

    Args:
        time_budget_s: Seconds from now on after which it ends; None for no limit.
        grace_period_s: Seconds that a running trial has left then.

    Attributes:
        signaled: Whether SIGTERM has come.
        ended_search: Whether somebody who asked for a trial was told that there are no
            more, before the oracle had said so.
    """

    def __init__(self, time_budget_s: float | None, grace_period_s: float) -> None:
        self.signaled = False
        self.ended_search = False
        self._deadline = None
        if time_budget_s is not None:
            self._deadline = time.monotonic() + time_budget_s
        self._grace_period_s = grace_period_s
        self._grace_over = False
        self._postponed = 0
        self._handlers_before: dict[int, Any] = {}
        # The one kind of queue that a signal handler may put something into.
        self._news: queue.SimpleQueue[_News] = queue.SimpleQueue()

    @property
    def asked(self) -> bool:
        """Whether no more trials are to begin."""
        out_of_time = self._deadline is not None and time.monotonic() > self._deadline
        return self.signaled or out_of_time

    @property
    def trial_given_up(self) -> bool:
        """Whether the trial that runs, if one does, is being interrupted."""
        return self._grace_over

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """While it lasts, SIGTERM and the end of the time budget interrupt what runs.

        Python runs signal handlers in the main thread alone: in another one, the time
        budget ends a search between two trials, and SIGTERM has its usual effect.

        Raises:
            TrialInterrupted: Anywhere within, but not where it is `postponed`.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        watch = threading.Thread(
            target=self._watch, name="tuner_component_interruption", daemon=True
        )
        self._catch_signals()
        try:
            watch.start()
            yield
        finally:
            with self.postponed():
                self._news.put(_News.SEARCH_OVER)
                watch.join()
                self.leave_signals()

    @contextlib.contextmanager
    def postponed(self) -> Iterator[None]:
        """What runs within is not interrupted: the oracle and its journal agree."""
        self._postponed += 1
        try:
            yield
        finally:
            self._postponed -= 1

    def _catch_signals(self) -> None:
        self._handlers_before = {
            signal.SIGTERM: signal.signal(signal.SIGTERM, self._on_sigterm),
            _NUDGE: signal.signal(_NUDGE, self._on_nudge),
        }
        _watched.append(self)

    def leave_signals(self) -> None:
        """Has signals do again what they did before. Fine to call twice."""
        if self not in _watched:
            return
        _watched.remove(self)
        for number, handler in self._handlers_before.items():
            # None stands for a handler that Python cannot put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        self.signaled = True
        self._news.put(_News.SIGNAL)

    def _on_nudge(self, number: int, frame: FrameType | None) -> None:
        if self._grace_over and not self._postponed:
            raise TrialInterrupted

    def _watch(self) -> None:
        """Waits for the word to stop, and sees that it is heeded."""
        budget = None
        if self._deadline is not None:
            budget = max(0.0, self._deadline - time.monotonic())
            budget = min(budget, threading.TIMEOUT_MAX)
        news = self._next(budget)
        if news is _News.SEARCH_OVER:
            return
        _log.warning(
            "%s: a running trial has %g seconds to finish; %s ends it at once.",
            "The time budget is used up" if news is None else signal.SIGTERM.name,
            self._grace_period_s,
            "SIGTERM" if news is None else "a second signal",
        )
        if self._next(self._grace_period_s) is _News.SEARCH_OVER:
            return
        self._grace_over = True
        while True:
            signal.pthread_kill(threading.main_thread().ident or 0, _NUDGE)
            if self._next(_AGAIN_S) is _News.SEARCH_OVER:
                return

    def _next(self, timeout_s: float | None) -> _News | None:
        """What happens next; None if nothing does for so long."""
        try:
            return self._news.get(timeout=timeout_s)
        except queue.Empty:
            return None


# Those whose handlers are in place: more than one where a trial runs a search itself.
_watched: list[Interruption] = []


_forking = threading.local()


def _before_fork() -> None:
    """Keeps SIGTERM back: Python drops what comes until the child has its own state."""
    if _watched:
        _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _after_fork() -> None:
    mask = vars(_forking).pop("mask", None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _after_fork_in_child() -> None:
    """Lets SIGTERM end processes that a trial forks: nobody watches there.

    `multiprocessing` ends those of a pool by it, and waits for them.
    """
    for interruption in reversed(_watched[:]):
        interruption.leave_signals()
    _after_fork()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork,
    after_in_child=_after_fork_in_child,
)


class InterruptibleOracle(OracleFacade):
    """Hands out no more trials once the search is to end."""

    __slots__ = ("_interruption",)

    def __init__(self, oracle: Any, interruption: Interruption) -> None:
        super().__init__(oracle)
        self._interruption = interruption

    def create_trial(self, tuner_id: str) -> Any:
        """See `keras_tuner.Oracle.create_trial`."""
        with self._interruption.postponed():
            if not self._interruption.asked:
                return self._inner.create_trial(tuner_id)
            self._interruption.ended_search = True
            space = self._inner.get_space()
            return trial_lib.Trial(space, "", trial_lib.TrialStatus.STOPPED)

    def update_trial(
        self, trial_id: str, metrics: dict[str, Any], step: int = 0
    ) -> Any:
        """See `keras_tuner.Oracle.update_trial`."""
        with self._interruption.postponed():
            return self._inner.update_trial(trial_id, metrics, step)

    def end_trial(self, trial: Any, status: str = _COMPLETED) -> None:
        """See `keras_tuner.Oracle.end_trial`.

        Raises:
            TrialInterrupted: If the trial failed by being interrupted: libraries turn
                what is raised in their callbacks into errors of their own.
        """
        with self._interruption.postponed():
            if isinstance(trial, str):
                trial = trial_lib.Trial(self._inner.get_space(), trial, status)
            if self._interruption.trial_given_up and trial.status != _COMPLETED:
                trial.status, trial.message = trial_lib.TrialStatus.RUNNING, None
                raise TrialInterrupted
            self._inner.end_trial(trial)
