"""What Linux offers to keep a family of processes together, and to wait for signals."""

import contextlib
import ctypes
import os
import signal
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from types import FrameType
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(signal_number: int = signal.SIGKILL) -> None:
    """Has the kernel send this process a signal when its parent ends.

    A parent that has ended before is not noticed: ask `os.getppid` afterwards. The signal
    also comes when only the thread ends that forked this process.

    Args:
        signal_number: The signal; 0 takes the request back.
    """
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Makes descendants whose parent ends children of this process.

    Otherwise they would be those of process 1, and no one would know that they exist.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def kill_group(group: int, signal_number: int = signal.SIGKILL) -> None:
    """Sends a signal to a process group, if there still is one."""
    with _perhaps_gone():
        os.killpg(group, signal_number)


def children() -> list[int]:
    """The ids of this process's children, those it adopted included."""
    found: list[int] = []
    for task in _list("/proc/self/task"):
        found += map(int, _read(f"/proc/self/task/{task}/children").split())
    return found


def kill_session(session: int) -> None:
    """Kills every process of a session: the last resort when its leader is gone."""
    for name in _list("/proc"):
        if name.isdigit() and _session_of(int(name)) == session:
            with _perhaps_gone():
                os.kill(int(name), signal.SIGKILL)


class SignalPipe:
    """Signals as something to wait for, next to connections.

    A signal that arrives makes it readable. Made by `signal_pipe` or `caught_signals`.
    """

    def __init__(self, signals: Iterable[int]) -> None:
        self._signals = frozenset(signals)
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """The descriptor that becomes readable."""
        return self._reader.fileno()

    def write_fileno(self) -> int:
        """The descriptor that Python writes the numbers of signals to."""
        return self._writer.fileno()

    def read(self) -> list[int]:
        """The numbers of the signals that came since the last call."""
        try:
            return [n for n in self._reader.recv(4096) if n in self._signals]
        except BlockingIOError:
            return []

    def wake(self) -> None:
        """Makes it readable without a signal: a zero byte is the number of none."""
        self._writer.send(b"\0")

    def close(self) -> None:
        """Closes both ends. A forked child closes its own copies so."""
        self._reader.close()
        self._writer.close()


@contextlib.contextmanager
def signal_pipe(*signals: int) -> Iterator[SignalPipe]:
    """While it lasts, signals that have a handler in Python show in a `SignalPipe`, too.

    For the main thread only: Python allows it to no other.
    """
    pipe = SignalPipe(signals)
    previous_fd = signal.set_wakeup_fd(pipe.write_fileno(), warn_on_full_buffer=False)
    try:
        yield pipe
    finally:
        signal.set_wakeup_fd(previous_fd)
        pipe.close()


@contextlib.contextmanager
def caught_signals(*signals: int) -> Iterator[SignalPipe]:
    """While it lasts, signals have no effect but to show in a `SignalPipe`.

    For the main thread only: Python allows it to no other.
    """
    with signal_pipe(*signals) as pipe, _set(dict.fromkeys(signals, _ignore)):
        yield pipe


# The handlers of `handled_here` that are in place, and those that were there before.
_handlers: dict[int, Any] = {}
_handlers_before: dict[int, Any] = {}
# The signal mask of each thread that forks, as it was before.
_forking = threading.local()


@contextlib.contextmanager
def handled_here(handlers: Mapping[int, Any]) -> Iterator[None]:
    """Has signals handled in this process, and not in those that are forked from it.

    These may be a trial's own: `multiprocessing` ends the processes of a pool by SIGTERM,
    and waits for them. For the main thread only, and once at a time.

    Args:
        handlers: Handlers by signal, as `signal.signal` takes them.
    """
    with _set(handlers) as before:
        _handlers_before.update(before)
        _handlers.update(handlers)
        try:
            yield
        finally:
            _handlers.clear()


def handles_signals() -> bool:
    """Whether `handled_here` is in effect."""
    return bool(_handlers)


@contextlib.contextmanager
def _set(handlers: Mapping[int, Any]) -> Iterator[dict[int, Any]]:
    """Sets handlers while it lasts; yields those that were there before."""
    before = {number: signal.signal(number, h) for number, h in handlers.items()}
    try:
        yield before
    finally:
        _put_back(before)


def _put_back(handlers: Mapping[int, Any]) -> None:
    for number, handler in handlers.items():
        # None stands for a handler that Python cannot put back.
        signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _before_fork() -> None:
    """Blocks the signals: Python loses one that comes before the child is set up."""
    if _handlers:
        _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _handlers)


def _after_fork() -> None:
    mask = vars(_forking).pop("mask", None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _after_fork_in_child() -> None:
    if _handlers:
        signal.set_wakeup_fd(-1)
        # A handler that the user's code has set since then is meant for the child, too.
        ours = [n for n, h in _handlers.items() if signal.getsignal(n) == h]
        _put_back({number: _handlers_before[number] for number in ours})
        _handlers.clear()
    _after_fork()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork,
    after_in_child=_after_fork_in_child,
)


def default_signals() -> None:
    """Undoes, in a forked child, what its parent does about signals."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _ignore(number: int, frame: FrameType | None) -> None:
    """There has to be a handler, or the signal would have its default effect."""


def _perhaps_gone() -> contextlib.AbstractContextManager[None]:
    """Tolerates that a process has ended, or that its id is another user's by now."""
    return contextlib.suppress(ProcessLookupError, PermissionError)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _session_of(pid: int) -> int | None:
    # The process's name in parentheses may have blanks and parentheses of its own.
    _, _, rest = _read(f"/proc/{pid}/stat").rpartition(")")
    fields = rest.split()
    return int(fields[3]) if len(fields) > 3 else None


def _list(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""
