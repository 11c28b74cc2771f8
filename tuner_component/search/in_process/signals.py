"""Signal handlers of this process alone: what it forks does not inherit them.

A trial may fork processes of its own. `multiprocessing` ends those of a pool by SIGTERM,
and waits for them: with the handler of a search they would live on.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from typing import Any

# Those of `handled_here` that are in place, and those they took the place of.
_ours: dict[int, Any] = {}
_before: dict[int, Any] = {}
# Of each thread that forks: its signal mask before.
_forking = threading.local()


@contextlib.contextmanager
def handled_here(handlers: Mapping[int, Any]) -> Iterator[None]:
    """Has signals handled in this process, and not in those that are forked from it.

    For the main thread only, as Python allows it to no other, and once at a time.

    Args:
        handlers: Handlers by signal, as `signal.signal` takes them.
    """
    _before.update({number: signal.getsignal(number) for number in handlers})
    _ours.update(handlers)
    try:
        _set(handlers)
        yield
    finally:
        _ours.clear()
        _set(_before)


def are_handled_here() -> bool:
    """Whether a `handled_here` lasts."""
    return bool(_ours)


def _set(handlers: Mapping[int, Any]) -> None:
    for number, handler in handlers.items():
        # None stands for a handler that Python cannot put back.
        signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _before_fork() -> None:
    """Keeps signals back: a child of Python's drops those that come before it is set up.

    With the default handler they would have ended it, and the sender waits for that.
    """
    if _ours:
        _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _ours)


def _after_fork() -> None:
    mask = vars(_forking).pop("mask", None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _after_fork_in_child() -> None:
    if _ours:
        # The pipe is the parent's: it would take the child's signals for its own.
        signal.set_wakeup_fd(-1)
        # A handler that the trial has set since then is meant for the child, too.
        ours = [n for n, handler in _ours.items() if signal.getsignal(n) == handler]
        _set({number: _before[number] for number in ours})
        _ours.clear()
    _after_fork()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork,
    after_in_child=_after_fork_in_child,
)
