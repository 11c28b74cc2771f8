"""Signals are handled in this process, and not in those that are forked from it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from tuner_component.search.in_process.signals import are_handled_here, handled_here
from tuner_component.search.machine import posix

SIGNAL = signal.SIGUSR1


def in_child(act: Callable[[], int]) -> int:
    """The exit code of a forked process that does something and ends with its result."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(act())
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def send_to_self() -> int:
    os.kill(os.getpid(), SIGNAL)
    return 0


def test_signal_is_handled_while_it_lasts() -> None:
    """SIGTERM would end a search at once, or be ignored ever after."""
    before, came = signal.getsignal(SIGNAL), []
    with handled_here({SIGNAL: lambda *_: came.append(True)}):
        assert are_handled_here()
        send_to_self()
    assert came == [True]
    assert not are_handled_here()
    assert signal.getsignal(SIGNAL) == before


def test_forked_process_is_as_if_nothing_was_handled() -> None:
    """What ends the processes of a pool by a signal would wait for them for ever."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with handled_here({SIGNAL: lambda *_: None}):
        assert in_child(lambda: are_handled_here()) == 0
        assert in_child(send_to_self) == -SIGNAL
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask


def test_signal_of_a_forked_process_is_its_own() -> None:
    """A search would take the end of one of its trial's processes for its own."""

    def handle_and_send() -> int:
        def end(number: int, frame: Any) -> None:
            os._exit(42)

        signal.signal(SIGNAL, end)
        return send_to_self()

    with (
        handled_here({SIGNAL: lambda *_: None}),
        posix.signal_pipe(SIGNAL) as signals,
    ):
        assert in_child(handle_and_send) == 42
        assert signals.read() == []
