"""Machines for the replicas of a job, which really run its commands and really die.

A stand-in for the machines of a service. With root's rights each has a network address, a
host name, process ids and a name service of its own, as a container has; otherwise an
address of the loopback network only.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support import (
    crashes,
    namespaces,
    node_servers,
    processes,
    quick_replicas,
)
from tests.support.project import ROOT
from tuner_component.search.machine import posix

PORT = 2222
# All that makes a process of it look like that of a container; $0 is its host name.
_INSIDE = (
    'hostname "$0" && mount --bind "$TEST_HOSTS" /etc/hosts && unset TEST_HOSTS && '
    'exec "$@"'
)
_APART = ("--pid", "--fork", "--kill-child", "--uts", "--mount", "--mount-proc")


class Machines:
    """Machines that are there until they are closed.

    Args:
        directory: For their files; short, since sockets' paths are limited.
        count: How many.
        quick: Names of modules to import before their programs are forked, from a copy
            of this process: see `quick_replicas`. None to start interpreters, as a service
            does, and as machines that are not apart do in any case.

    Attributes:
        names: Their host names.
        addresses: Their addresses.
        outside: The address of this machine, as they see it.
    """

    def __init__(self, directory: Path, count: int, quick: Sequence[str] = ()) -> None:
        self._directory = directory
        self._server = 0
        self._quick: dict[str, str] = {}
        self._network: namespaces.Network | None = None
        try:
            self._network = namespaces.Network(count)
            self.addresses, self.outside = self._network.hosts, self._network.address
            self.names = [f"replica-{number}" for number in range(count)]
        except PermissionError:
            self.addresses = [f"127.0.0.{number + 20}" for number in range(count)]
            self.names, self.outside = self.addresses, "127.0.0.1"
        lines = zip(self.addresses, self.names, strict=True)
        hosts = "".join(f"{address} {name}\n" for address, name in lines)
        self._hosts = directory / "hosts"
        self._hosts.write_text(f"127.0.0.1 localhost\n{hosts}")
        if quick and self._network is not None:
            self._serve(quick)
        self._started: list[Running] = []

    def _serve(self, modules: Sequence[str]) -> None:
        path, servers = str(self._directory / "r"), str(self._directory / "s")
        here, theirs = socket.socketpair()
        with here, theirs:
            self._server = crashes.start(
                lambda copy: quick_replicas.serve(path, servers, *modules),
                theirs.fileno(),
            )
        self._quick = {
            quick_replicas.ADDRESS: path,
            node_servers.ADDRESS: servers,
            node_servers.APART: "1",
        }

    def ends(self, numbers: Sequence[int]) -> list[str]:
        """What a service says where some of them are: host names and ports."""
        return [f"{self.names[number]}:{PORT}" for number in numbers]

    def start(
        self, number: int, command: Sequence[str], environment: Mapping[str, str]
    ) -> Running:
        """Starts a command on one of them, with a disk of its own.

        Args:
            number: Which of the machines.
            command: The command; `python` is that of the tests.
            environment: Its variables, besides those for quiet and patient tests.
        """
        disk = self._directory / f"{number}-{len(self._started)}"
        disk.mkdir()
        words = [sys.executable if word == "python" else word for word in command]
        if self._quick:
            stub = [sys.executable, "-S", quick_replicas.__file__]
            words = [*stub, self._quick[quick_replicas.ADDRESS], *words]
        variables = {
            **{n: v for n, v in os.environ.items() if not n.startswith("RAY_AUTH")},
            **PATIENT,
            "HOME": str(disk),
            "TMPDIR": str(disk),
            "RAY_TMPDIR": str(disk),
            "PYTHONPATH": os.pathsep.join([str(ROOT), _NODE]),
            **self._quick,
            **environment,
        }
        if self._network is not None:
            where = self._network.namespace(self.addresses[number])
            inside = ["sh", "-c", _INSIDE, self.names[number], *words]
            words = ["nsenter", f"--net={where}", "unshare", *_APART, *inside]
            variables["TEST_HOSTS"] = str(self._hosts)
        with open(disk / "output", "wb") as output:
            process = subprocess.Popen(
                words,
                cwd=disk,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        running = Running(process, disk / "output", self._network is not None)
        self._started.append(running)
        return running

    def close(self) -> None:
        """Ends all that runs on them, and removes them; prints what it said."""
        for running in self._started:
            running.kill()
            print(f"{running.output}:\n{running.said()}")
        if self._server:
            processes.kill(*processes.descendants(self._server), self._server)
        if self._network is not None:
            self._network.close()


# On a busy machine Ray's own helpers take longer to start than it allows for.
PATIENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_raylet_start_wait_time_s": "300",
    "RAY_worker_register_timeout_seconds": "300",
    "TEST_RAY_HELPERS": "not waited for",
    # Processes that no actor of a search takes: it asks for others.
    "RAY_prestart_worker_first_driver": "0",
}
_NODE = str(ROOT / "tests/support/ray_node")


class Running:
    """A command that was started on one of the machines.

    Attributes:
        output: What it prints.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], output: Path, is_apart: bool
    ) -> None:
        self._process = process
        self._is_apart = is_apart
        self.output = output

    @property
    def pid(self) -> int:
        """The process of the command, as it is seen from here."""
        if not self._is_apart:
            return self._process.pid
        found = posix.children(self._process.pid)
        return found[0] if found else self._process.pid

    def status(self) -> int | None:
        """Its exit status; None as long as it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int:
        """Waits for its end.

        Raises:
            subprocess.TimeoutExpired: If it does not come.
        """
        return self._process.wait(seconds)

    def terminate(self) -> None:
        """Tells it to end, as a service does before it takes the machine away."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Ends it and all that it started at once: the machine is gone."""
        below = processes.descendants(self._process.pid)
        self._process.kill()
        processes.kill(*below)
        self._process.wait()

    def said(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(errors="replace")
