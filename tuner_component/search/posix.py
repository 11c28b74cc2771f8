"""What keeps a family of processes together on Linux."""

import ctypes
import os
import signal
import socket
from collections.abc import Iterable
from types import FrameType, TracebackType
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(signal_number: int = signal.SIGKILL) -> None:
    """Has the kernel send this process a signal when its parent ends.

    Args:
        signal_number: The signal; 0 takes the request back.
    """
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Makes descendants whose parent ends children of this process."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def kill_group(group: int, signal_number: int = signal.SIGKILL) -> None:
    """Sends a signal to a process group, if there still is one."""
    try:
        os.killpg(group, signal_number)
    except (ProcessLookupError, PermissionError):
        pass


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
            try:
                os.kill(int(name), signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass


class SignalPipe:
    """Signals as something to wait for, next to connections.

    A signal that arrives makes the object readable (it has `fileno`); `read` tells
    which signals came. Only the main thread may enter or leave the context.
    """

    def __init__(self, signals: Iterable[int]) -> None:
        self._signals = tuple(signals)
        self._reader, self._writer = socket.socketpair()
        self._previous: dict[int, Any] = {}
        self._previous_fd = -1

    def __enter__(self) -> "SignalPipe":
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._previous_fd = signal.set_wakeup_fd(
            self._writer.fileno(), warn_on_full_buffer=False
        )
        for number in self._signals:
            self._previous[number] = signal.signal(number, _ignore)
            # A system call that a signal interrupts goes on by itself.
            signal.siginterrupt(number, False)
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            # None stands for a handler that Python cannot put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._previous_fd)
        self.close()

    def close(self) -> None:
        """Closes the pipe, as a forked child does that wants none of it."""
        self._reader.close()
        self._writer.close()

    def fileno(self) -> int:
        """The file descriptor that becomes readable."""
        return self._reader.fileno()

    def read(self) -> list[int]:
        """The numbers of the signals that came since the last call."""
        try:
            return [n for n in self._reader.recv(4096) if n in self._signals]
        except BlockingIOError:
            return []


def default_signals() -> None:
    """Undoes, in a forked child, what its parent does about signals."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _ignore(number: int, frame: FrameType | None) -> None:
    """A handler there has to be, or the signal would have its default effect."""


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _session_of(pid: int) -> int | None:
    # The name in parentheses may hold blanks and parentheses of its own.
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
