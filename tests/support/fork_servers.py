"""Fork servers of searches, forked from processes that have imported what they need.

In production a search starts its fork server in a new interpreter, which imports Keras,
TensorFlow and TFX again: that takes longer than the search of a test. All else is as in
production.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing import connection
from typing import NoReturn

from tuner_component.search.machine import posix
from tuner_component.search.parallel.local import launch

_LONGEST = 1 << 17  # Bytes of a message.


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
    """Starts a fork server that already has this process's modules.

    For processes that have done nothing yet but imports.
    """
    pid = os.fork()
    if pid:
        return ForkedServer(pid)
    os.environ.update(environment)
    _serve(control, log)


def sow(searches: int = 1) -> None:
    """Has this process's searches get fork servers that are forked here and now.

    For processes that have done nothing yet but imports. When they start a search they may
    have threads, and cannot be forked any more.

    Args:
        searches: How many searches there will be at most.
    """
    seeds = [_Seed() for _ in range(searches)]

    def start(
        control: connection.Connection, log: str, environment: Mapping[str, str]
    ) -> ForkedServer:
        return seeds.pop().grow(control, log, environment)

    launch.run_parallel = functools.partial(launch.run_parallel, start_server=start)


class _Seed:
    """A child that waits to become a fork server."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        self._pid = os.fork()
        if self._pid == 0:
            self._orders.close()
            self._wait(theirs)
        theirs.close()

    def _wait(self, orders: socket.socket) -> NoReturn:
        posix.die_with_parent()
        message, descriptors, _, _ = socket.recv_fds(orders, _LONGEST, 1)
        if not message:
            os._exit(0)  # No search came.
        log, directory, environment = json.loads(message)
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)
        _serve(connection.Connection(descriptors[0]), log)

    def grow(
        self, control: connection.Connection, log: str, environment: Mapping[str, str]
    ) -> ForkedServer:
        """Becomes a fork server, in the surroundings that this process has now."""
        order = [log, os.getcwd(), {**os.environ, **environment}]
        socket.send_fds(self._orders, [json.dumps(order).encode()], [control.fileno()])
        self._orders.close()
        return ForkedServer(self._pid)


def _let_go(descriptor: int, log: int) -> None:
    """Closes a descriptor, as an exec does.

    A logging handler may have kept what was `sys.stderr` at an import, under pytest a
    file. What it writes goes to the log: once closed, its number would be that of a
    connection.
    """
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        os.dup2(log, descriptor)
    else:
        os.close(descriptor)


def let_go(log: int, *kept: int) -> None:
    """Has this process nothing of the one it was forked from but what it is to keep.

    Args:
        log: Where to write what is written to files that were open.
        kept: Descriptors to keep.
    """
    signal.set_wakeup_fd(-1)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in kept:
            with contextlib.suppress(OSError):
                _let_go(int(name), log)


def _serve(control: connection.Connection, log: str) -> NoReturn:
    """Goes on as if an interpreter had been started for it."""
    from tuner_component.search.parallel.local import fork_server

    os.setsid()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    let_go(file, control.fileno())
    sys.path[:] = control.recv()
    fork_server.main(control)
