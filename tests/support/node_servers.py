"""Fork servers of a test cluster's nodes, forked from one process for all of them.

On a node an agent starts its fork server in a new interpreter, which imports Keras and
TensorFlow. Here, where all nodes are one machine, it asks a process for it that has
imported them (see `fork_servers`, which does the same for executors). Processes of the
test cluster find `ray_node` on their module search path, whose `sitecustomize` has agents
call `start`. All else is as in production.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Mapping
from multiprocessing import connection
from pathlib import Path
from typing import NoReturn

from tests.support import buckets, clocks, fork_servers, namespaces

# Where the process listens that has imported what fork servers need.
ADDRESS = "TEST_NODE_SERVERS"
# The executor's process, in the environment of a search: one of those variables that an
# engine takes along.
SEARCH = "TF_TEST_SEARCH"
# Set on nodes that are in namespaces of their own.
APART = "TEST_NODE_APART"
_MODULES = "tuner_component.search.parallel.worker.main"
_LONGEST = 1 << 17


class Started:
    """A fork server that another process has forked, as an agent needs it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end; what status it ended with is not known."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return 0
        ended = connection.wait([descriptor], timeout)
        os.close(descriptor)
        if not ended:
            raise subprocess.TimeoutExpired("fork server", timeout or 0)
        return 0


def start(
    control: connection.Connection, log: str, environment: Mapping[str, str]
) -> Started:
    """Has a fork server forked; called in agents."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as to:
        to.connect(os.environ[ADDRESS])
        apart = APART in os.environ
        order = [log, os.getcwd(), {**os.environ, **environment}, apart]
        socket.send_fds(to, [json.dumps(order).encode()], [control.fileno()])
        return Started(int(to.recv(100)))


def main(path: str, *modules: str) -> NoReturn:
    """Forks fork servers until it is killed.

    Args:
        path: Of the socket to listen at.
        modules: Names of what to import before, besides the search.
    """
    for name in (_MODULES, *modules):
        importlib.import_module(name)
    if "TEST_BUCKET" in os.environ:
        buckets.see_in_tuners(Path(os.environ["TEST_BUCKET"]))
    serve(path, _fork)


def serve(path: str, fork: Callable[[socket.socket, str], None]) -> NoReturn:
    """Forks processes for whoever asks at a socket, until it is killed.

    Args:
        path: Of the socket to listen at.
        fork: Forks one for a caller.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(path + ".new")
        listening.listen()
        os.rename(path + ".new", path)
        while True:
            caller, _ = listening.accept()
            with caller:
                fork(caller, path)


def started_by(executor: int | None) -> list[tuple[int, int]]:
    """The agents of a search and their fork servers, dead ones included.

    Args:
        executor: The process that runs the search; None for all searches.
    """
    if ADDRESS not in os.environ:
        return []
    try:
        lines = _list_of(os.environ[ADDRESS]).read_text().splitlines()
    except FileNotFoundError:
        return []
    found = [[int(number) for number in line.split()] for line in lines]
    return [
        (agent, server) for search, agent, server in found if executor in (None, search)
    ]


def _list_of(path: str) -> Path:
    return Path(path + ".started")


def _fork(caller: socket.socket, path: str) -> None:
    message, descriptors, _, _ = socket.recv_fds(caller, _LONGEST, 1)
    control = connection.Connection(descriptors[0])
    log, directory, environment, apart = json.loads(message)
    agent = peer(caller)
    has_other_ids = namespaces.has_other_ids(agent)
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if apart:
            namespaces.join(agent)
        if has_other_ids:
            if os.fork():
                os._exit(0)
            caller.send(str(os.getpid()).encode())
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)
        clocks.shift()
        fork_servers._serve(control, log)
    control.close()
    with _list_of(path).open("a") as file:
        print(environment.get(SEARCH, 0), agent, pid, file=file)
    if not has_other_ids:
        caller.send(str(pid).encode())


def peer(caller: socket.socket) -> int:
    """The process at the other end of a socket."""
    credentials = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, _, _ = struct.unpack("3i", credentials)
    return int(pid)
