"""Ending a search in process before its end: on SIGTERM, or at its time budget.

No further trial is handed out, and the one that runs has a grace period. Then it is
interrupted as Ctrl-C would do it: a signal handler raises, between any two bytecodes of
the main thread, an exception that no `except Exception` takes for a failed trial.
"""

import contextlib
import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import connection
from types import FrameType
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search.errors import SearchError, how_to_go_on
from tuner_component.search.in_process.signals import are_handled_here, handled_here
from tuner_component.search.machine import posix
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.oracle.failures import Tries

_log = logging.getLogger("tuner_component")

# What the main thread is interrupted with. By default it has no effect, so one that comes
# late does no harm; Go's runtime preempts threads with it for that reason.
_NUDGE = signal.SIGURG
# What swallows the exception (a `__del__`, a bare `except`) meets it again.
_AGAIN_S = 1.0
# After SIGTERM, what does not even end then ends with the process.
_CLEAN_UP_S = 10.0
# `poll` cannot wait for more than 24 days.
_LONGEST_WAIT_S = 86_400.0

_Status = trial_lib.TrialStatus


class TrialInterrupted(BaseException):
    """The running trial is given up; it stays unfinished in its study.

    Attributes:
        by: What interrupted it: a trial may run a search itself.
    """

    def __init__(self, by: "Interruption") -> None:
        super().__init__()
        self.by = by


class Interruption:
    """Whether and why a search in process is to end, and how its last trial does.

    Args:
        options: Those of the search: its time budget, which counts from the start of
            `watched`, and the grace period that a running trial has then.
        study_directory: Path or URI of the study, to say how to go on.
        excuse: Journals that the trial which runs is not to blame. Called in a thread.

    Attributes:
        signaled: Whether SIGTERM has come.
        ended_search: Whether a tuner that asked for a trial was told that there are no
            more, before the oracle had said so.
        in_grace: Whether the trial that runs has its grace period, or has had it.
        trial_given_up: Whether the trial that runs, if one does, was interrupted.
    """

    def __init__(
        self,
        options: SearchOptions,
        study_directory: str,
        excuse: Callable[[], None] = lambda: None,
    ) -> None:
        self.signaled = False
        self.ended_search = False
        self.in_grace = False
        self.trial_given_up = False
        self._options = options
        self._study_directory = study_directory
        self._excuse = excuse
        self._deadline = math.inf
        self._grace_over = False
        self._search_over = False
        self._postponed = 0

    @property
    def asked(self) -> bool:
        """Whether no more trials are to start."""
        return self.signaled or time.monotonic() > self._deadline

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """While it lasts, SIGTERM and the end of the time budget interrupt what runs.

        Python runs signal handlers in the main thread alone: in another one, the time
        budget ends a search between two trials, and SIGTERM has its usual effect. Where
        a trial runs a search itself, SIGTERM is the outer one's.

        Raises:
            TrialInterrupted: Anywhere within, but not where it is `postponed`.
        """
        if self._options.time_budget_s is not None:
            self._deadline = time.monotonic() + self._options.time_budget_s
        if not _is_main_thread() or are_handled_here():
            yield
            return
        handled = handled_here(
            {signal.SIGTERM: self._on_sigterm, _NUDGE: self._on_nudge}
        )
        with handled, posix.signal_pipe(signal.SIGTERM) as signals:
            # A thread, as handlers wait for native code to return, and it may not.
            watch = threading.Thread(target=self._watch, args=(signals,), daemon=True)
            watch.name = "tuner_component_interruption"
            watch.start()
            try:
                try:
                    yield
                finally:
                    self._search_over = True
            finally:  # Here even if the last nudge came in the very end of it.
                self._search_over = True
                signals.wake()
                watch.join()

    @contextlib.contextmanager
    def postponed(self) -> Iterator[None]:
        """What runs within is not interrupted: the oracle and its journal agree."""
        if not _is_main_thread():
            yield
            return
        self._postponed += 1
        try:
            yield
        finally:
            self._postponed -= 1

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        # The thread that watches may not have run when the next trial is asked for.
        self.signaled = True

    def _on_nudge(self, number: int, frame: FrameType | None) -> None:
        if not self._grace_over or self._search_over or self._postponed:
            return
        if _is_unwinding():
            return  # What cleans up is given the time.
        self.trial_given_up = True
        raise TrialInterrupted(self)

    def _watch(self, signals: posix.SignalPipe) -> None:
        """Waits for the word to stop, and sees that it is heeded."""
        if not self._wait(signals, self._deadline):
            return
        # Not here: storage may be slow, or the oracle thinking.
        excusing = threading.Thread(target=self._excuse_trial, daemon=True)
        excusing.start()
        self._stop(signals)
        excusing.join()

    def _excuse_trial(self) -> None:
        with contextlib.suppress(SearchError):
            self._excuse()

    def _stop(self, signals: posix.SignalPipe) -> None:
        """Gives the trial that runs its grace period."""
        self.in_grace = True
        grace_period_s = self._options.grace_period_s
        asked_by, at_once = "The time budget is used up", "SIGTERM"
        if self.signaled:
            asked_by, at_once = "SIGTERM", "a second signal"
        _log.warning(
            "%s: a running trial has %g seconds to finish; %s ends it at once.",
            *(asked_by, grace_period_s, at_once),
        )
        if not self._wait(signals, time.monotonic() + grace_period_s):
            return
        self._grace_over = True
        kill_at = time.monotonic() + _CLEAN_UP_S
        while not self.signaled or time.monotonic() <= kill_at:
            signal.pthread_kill(threading.main_thread().ident or 0, _NUDGE)
            if not self._wait(signals, time.monotonic() + _AGAIN_S):
                return
        _log.warning(
            "What ran has not ended %g seconds after its grace period: the process "
            "ends. %s",
            *(_CLEAN_UP_S, how_to_go_on(self._study_directory)),
        )
        os._exit(128 + signal.SIGTERM)

    def _wait(self, signals: posix.SignalPipe, until: float) -> bool:
        """Waits for a SIGTERM or a time; returns False at the end of the search."""
        while not self._search_over and (left := until - time.monotonic()) > 0:
            if not connection.wait([signals.fileno()], min(left, _LONGEST_WAIT_S)):
                continue
            # One at a time: the second signal ends the wait that comes next.
            if ord(os.read(signals.fileno(), 1)) == signal.SIGTERM:
                self.signaled = True
                break
        return not self._search_over


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _is_unwinding() -> bool:
    """Whether a `finally`, an `__exit__` or an `except` deals with an interruption."""
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, TrialInterrupted):
            return True
        error = error.__context__
    return False


class InterruptibleOracle(DurableOracle):
    """A durable oracle that hands out no more trials once the search is to end.

    Attributes:
        interruption: Says when that is. To be set once the oracle is open.
        clean_up: Called with each trial that ended while it was paused. To be set as well.
    """

    __slots__ = ("clean_up", "interruption")

    clean_up: Callable[[str], object]
    interruption: Interruption

    def create_trial(self, tuner_id: str) -> Any:
        """See `DurableOracle.create_trial`."""
        with self.interruption.postponed():
            if not self.interruption.asked:
                trial = super().create_trial(tuner_id)
                for trial_id in self.take_let_go():
                    self.clean_up(trial_id)
                return trial
            self.interruption.ended_search = True
            return trial_lib.Trial(self.get_space(), "", _Status.STOPPED)

    def update_trial(
        self, trial_id: str, metrics: dict[str, Any], step: int = 0
    ) -> Any:
        """See `DurableOracle.update_trial`."""
        with self.interruption.postponed():
            return super().update_trial(trial_id, metrics, step)

    def end_trial(self, trial: Any, status: str = _Status.COMPLETED) -> None:
        """See `DurableOracle.end_trial`.

        Raises:
            TrialInterrupted: If the trial was interrupted on its way here, whatever it
                made of that: a failure, or a result that it would not have had.
        """
        with self.interruption.postponed():
            if self.interruption.trial_given_up:
                raise TrialInterrupted(self.interruption)
            super().end_trial(trial, status)

    def pause_trial(self, trial_id: str) -> tuple[int, Tries]:
        """See `DurableOracle.pause_trial`.

        Raises:
            TrialInterrupted: If the trial was interrupted on its way here.
        """
        with self.interruption.postponed():
            if self.interruption.trial_given_up:
                raise TrialInterrupted(self.interruption)
            return super().pause_trial(trial_id)

    def give_up_trials(self) -> None:
        """Says of trials that are not to end that they run: no one counts them as done."""
        for trial in self._inner.ongoing_trials.values():
            trial.status, trial.message = _Status.RUNNING, None
