"""A process that has imported Keras and forks executors for tests.

A search's fork server imports the heavy modules again, which takes ten seconds with
TensorFlow. In tests it is forked from a process that has imported them already; everything
else is as in production. The process here also adopts processes that outlive their parent,
so that a test can see them.
"""

import gc
import importlib
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from multiprocessing import connection, reduction
from typing import Any, NoReturn

from tuner_component.search.machine import posix


def main() -> NoReturn:
    """Forks a process for each request, until the test's process is gone."""
    for name in sys.argv[2:]:
        importlib.import_module(name)
    control = connection.Connection(int(sys.argv[1]))
    posix.adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # No test needs their exit status.
    # Each fork server does this again, and would go through all of Keras for it.
    gc.collect()
    gc.freeze()
    control.send("ready")
    while True:
        try:
            function, args = control.recv()
        except EOFError:
            os._exit(0)  # A normal exit with TensorFlow and TFX takes seconds.
        handle = reduction.recv_handle(control)
        pid = os.fork()
        if pid == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _run(connection.Connection(handle), function, args)
        os.close(handle)
        control.send(pid)


def _run(
    answer: connection.Connection, function: Callable[..., Any], args: tuple[Any, ...]
) -> NoReturn:
    os.set_inheritable(answer.fileno(), False)
    try:
        outcome = function(*args)
    except BaseException as error:  # noqa: BLE001
        traceback.print_exc()
        outcome = error
    answer.send(outcome)
    sys.stdout.flush()
    os._exit(0)


class ForkedServer:
    """A forked fork server, with what is needed of Popen's interface."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the process to end."""
        if self._status is None:
            descriptor = os.pidfd_open(self.pid)
            ended = connection.wait([descriptor], timeout)
            os.close(descriptor)
            if not ended:
                raise subprocess.TimeoutExpired("fork server", timeout or 0)
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status


def start_server(
    control: connection.Connection, log: str, environment: Mapping[str, str]
) -> ForkedServer:
    """Starts a fork server that already has this process's modules."""
    pid = os.fork()
    if pid:
        return ForkedServer(pid)
    from tuner_component.search.parallel.local import fork_server

    os.setsid()
    os.environ.update(environment)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    for name in os.listdir("/proc/self/fd"):
        # As after an exec. Python objects that own these descriptors are not used here.
        if int(name) > 2 and int(name) != control.fileno():
            try:
                os.close(int(name))
            except OSError:
                pass
    sys.path[:] = control.recv()
    fork_server.main(control)


if __name__ == "__main__":
    main()
