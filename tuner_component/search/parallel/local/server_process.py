"""Starting the process of a fork server."""

import os
from collections.abc import Mapping
from multiprocessing import connection
from typing import Protocol

from tuner_component.search.machine import interpreter

_FORK_SERVER = "tuner_component.search.parallel.local.fork_server"


class ServerProcess(Protocol):
    """The fork server's process, as `subprocess.Popen` describes it."""

    pid: int

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end and returns its status."""


class StartServer(Protocol):
    """Starts a fork server."""

    def __call__(
        self, control: connection.Connection, log: str, environment: Mapping[str, str]
    ) -> ServerProcess:
        """Starts it in a session of its own.

        Args:
            control: The server's end of its connection; stays open here.
            log: File for what it prints.
            environment: Variables to set for it, beside those of this process.
        """


def start_interpreter(
    control: connection.Connection, log: str, environment: Mapping[str, str]
) -> ServerProcess:
    """Starts a fork server in a new interpreter."""
    return start_module(_FORK_SERVER, control, log, environment)


def start_module(
    module: str,
    control: connection.Connection,
    log: str,
    environment: Mapping[str, str],
) -> ServerProcess:
    """Starts what a module's `main` does with a connection, in a new interpreter.

    Args:
        module: Its name.
        control: As for `StartServer`.
        log: The same.
        environment: The same.
    """
    with open(log, "ab") as file:
        return interpreter.start(module, control, file, {**os.environ, **environment})
