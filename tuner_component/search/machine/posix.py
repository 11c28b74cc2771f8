"""What Linux offers to keep a family of processes together, and to wait for signals."""

import contextlib
import ctypes
import os
import signal
import socket
from collections.abc import Iterable, Iterator
from types import FrameType

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


def lead_own_group(pid: int) -> None:
    """Gives a forked child a group of its own: what it starts can be ended with it.

    Parent and child both do it, for whichever comes first.

    Args:
        pid: The child; 0 in the child itself.
    """
    with contextlib.suppress(PermissionError, ProcessLookupError):
        os.setpgid(pid, pid)


def kill_group(group: int, signal_number: int = signal.SIGKILL) -> None:
    """Sends a signal to a process group, if there still is one."""
    with _perhaps_gone():
        os.killpg(group, signal_number)


def children(process: int | str = "self") -> list[int]:
    """The ids of a process's children, those it adopted included.

    Args:
        process: Its id; this one's if left out.
    """
    found: list[int] = []
    tasks = f"/proc/{process}/task"
    for task in _list(tasks):
        found += map(int, read_if_there(f"{tasks}/{task}/children").split())
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
    with signal_pipe(*signals) as pipe:
        before = {number: signal.signal(number, _ignore) for number in signals}
        try:
            yield pipe
        finally:
            for number, handler in before.items():
                # None stands for a handler that Python cannot put back.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)


def signal_name(number: int) -> str:
    """The name of a signal; those for real time have a number only."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"


def begin_as_child(parent: int) -> None:
    """What a process does first when it was forked to live no longer than its parent.

    It leads a group of its own, dies with its parent, and has no handlers of the parent's.

    Args:
        parent: The process that forked it. If that has died by now, this one ends.
    """
    lead_own_group(0)
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
    default_signals()


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
    _, _, rest = read_if_there(f"/proc/{pid}/stat").rpartition(")")
    fields = rest.split()
    return int(fields[3]) if len(fields) > 3 else None


def _list(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def read_if_there(path: str) -> str:
    """The text of a file of the kernel's; empty where there is none."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""
