"""Runs the commands of TFX's nodes in forks of a process that has imported TFX.

The imports are most of what a node of a tiny pipeline takes. Here they happen once for
all pipelines. All else is as in a container: a process of its own, which runs the module
that the command names, with the command's arguments, from its beginning. Searches in it
have a fork server with the imports, too.

As a program, this file is the process that has the imports; it imports TFX and this
project's package, and `start` neither.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import runpy
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, TextIO

MODULE = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
# What that module imports, and what the nodes of the example do.
_IMPORTS = (
    "keras",
    "tfx.components.evaluator.executor",
    "tfx.components.example_gen.csv_example_gen.executor",
    "tfx.components.example_validator.executor",
    "tfx.components.pusher.executor",
    "tfx.components.schema_gen.executor",
    "tfx.components.statistics_gen.executor",
    "tfx.components.trainer.executor",
    "tfx.components.transform.executor",
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_entrypoint_utils",
    "tfx.orchestration.portable.outputs_utils",
    "tuner_component.executor",
    "tuner_component.search.parallel.driver.main",
    "tuner_component.search.parallel.worker.main",
)
_SUPPORT = Path(__file__).parents[1] / "support"
_LONGEST = 1 << 17  # Bytes of a command.

# Of Linux: namespaces of processes and of mounts.
_NEW_NAMESPACES = 0x20000000 | 0x00020000
_PRIVATE_MOUNTS = 0x4000 | 0x40000


def understands(command: list[str]) -> bool:
    """Whether `start` takes a command."""
    return command[:3] == ["python", "-m", MODULE]


def is_tuner(command: list[str]) -> bool:
    """Whether a command runs this project's Tuner."""
    return any(word.startswith("tuner_component.") for word in command)


class Program:
    """A command that was started.

    Attributes:
        pid: The process whose only child runs the command.
        stdout: What the command prints.
    """

    def __init__(self, connection: socket.socket, stdout: TextIO) -> None:
        self._connection = connection
        self.stdout = stdout
        self.pid = int(connection.recv(_LONGEST))

    def wait(self) -> int:
        """Waits for its end; returns its exit status."""
        with self._connection:
            return int(self._connection.recv(_LONGEST))


def start(
    address: str,
    command: list[str],
    directory: str,
    environment: Mapping[str, str],
    errors: str | None = None,
    *,
    pod: bool = False,
) -> Program:
    """Runs `python -m MODULE ...`.

    Args:
        address: Where the process listens that has the imports.
        command: The command.
        directory: Its working directory.
        environment: Its environment.
        errors: The file for its standard error; by default that goes to `stdout`.
        pod: Whether it is process 1 of a process namespace, as pods have it.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(address)
    output, theirs = os.pipe()
    request = [command[3:], directory, dict(environment), errors, pod]
    socket.send_fds(connection, [json.dumps(request).encode()], [theirs])
    os.close(theirs)
    return Program(connection, open(output, errors="replace"))


def main(descriptor: int) -> NoReturn:
    """Forks a process for each command, until it is killed.

    Args:
        descriptor: Of the socket that listens at the address.
    """
    sys.path[0] = os.getcwd()  # As with -m; until now it is this file's directory.
    gc.disable()  # Imports make millions of objects, and nearly no garbage.
    for name in _IMPORTS:
        importlib.import_module(name)
    fork_servers = _load(_SUPPORT / "fork_servers.py")
    _load(_SUPPORT / "beam.py").quicken()
    gc.collect()
    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(fileno=descriptor)
    while True:
        connection, _ = listener.accept()
        with connection:
            if os.fork() == 0:
                listener.close()
                _handle(connection, fork_servers)


def _load(file: Path) -> Any:
    """Imports a file that is no part of a container's packages."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _handle(connection: socket.socket, fork_servers: Any) -> NoReturn:
    """Has a child run a command, and tells its status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connection.send(str(os.getpid()).encode())
    message, descriptors, _, _ = socket.recv_fds(connection, _LONGEST, 1)
    arguments, directory, environment, errors, pod = json.loads(message)
    if pod:
        _call("unshare", _NEW_NAMESPACES)
        _call("mount", b"none", b"/", None, _PRIVATE_MOUNTS, None)
    pid = os.fork()
    if pid == 0:
        connection.close()
        if pod:
            _call("mount", b"proc", b"/proc", b"proc", 0, None)
        os.chdir(directory)
        sys.path[0] = directory
        os.environ.clear()
        os.environ.update(environment)
        if errors:
            os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
        else:
            os.dup2(descriptors[0], 2)
        os.dup2(descriptors[0], 1)
        os.close(descriptors[0])
        if is_tuner(arguments):
            fork_servers.sow()
        _run(arguments)
    os.close(descriptors[0])
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _call(function: str, *arguments: Any) -> None:
    """Calls a function of the C library that Python has none for."""
    if getattr(ctypes.CDLL(None, use_errno=True), function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def _run(arguments: list[str]) -> NoReturn:
    status = 1
    try:
        sys.argv[1:] = arguments
        runpy.run_module(MODULE, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as an interpreter ends with one
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main(int(sys.argv[1]))
