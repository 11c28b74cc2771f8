"""Replicas whose programs are forked from a process that has imported what they need.

Each would import TFX and TensorFlow anew, and so would the fork servers of their nodes and
of the search: that takes longer than all else. Here a process of the tests' has them
already, and forks them into the namespaces of the machine that asks. They die with it.

python -S tests/support/quick_replicas.py SOCKET COMMAND...
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import sys
import time
from types import FrameType
from typing import NoReturn

# The variable that says where the process listens.
ADDRESS = "TEST_REPLICAS"
_LONGEST = 1 << 20
# The process may import for longer than a replica needs to be started.
_PATIENCE_S, _LOOK_S = 300.0, 0.05


def main(path: str, *words: str) -> NoReturn:
    """Stands for a program on a machine, which another process forks: it ends as that does.

    Nothing is imported here that takes time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as to:
        to.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST)
        _wait_for(path)
        to.connect(path)
        order = json.dumps([words, os.getcwd(), dict(os.environ)]).encode()
        socket.send_fds(to, [order], [1])
        pid = int(to.recv(100))

        def pass_on(number: int, frame: FrameType | None) -> None:
            os.kill(pid, number)

        signal.signal(signal.SIGTERM, pass_on)
        said = to.recv(100)
    os._exit(int(said or 1))


def _wait_for(path: str) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not os.path.exists(path) and time.monotonic() < until:
        time.sleep(_LOOK_S)


def serve(path: str, servers: str, *modules: str) -> NoReturn:
    """Forks programs until it is killed.

    Args:
        path: Of the socket to listen at.
        servers: Of that where fork servers of nodes are asked for.
        modules: Names of what to import before.
    """
    from tests.support import node_servers

    for name in modules:
        importlib.import_module(name)
    if os.fork() == 0:
        node_servers.main(servers)
    _wait_for(servers)
    node_servers.serve(path, _fork)


def _fork(caller: socket.socket, path: str) -> None:
    from tests.support import namespaces, node_servers

    message, (output,), _, _ = socket.recv_fds(caller, _LONGEST, 1)
    words, directory, environment = json.loads(message)
    stub = node_servers.peer(caller)
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        namespaces.join(stub)
        pid = os.fork()
        if pid == 0:
            caller.send(str(os.getpid()).encode())
            _be(words, directory, environment, output)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(BrokenPipeError):  # The machine is gone.
            caller.send(str(code if code >= 0 else 128 - code).encode())
        os._exit(0)
    os.close(output)


def _be(
    words: list[str], directory: str, environment: dict[str, str], output: int
) -> NoReturn:
    """Goes on as if an interpreter had been started for it: `python -m MODULE ...`."""
    import logging
    import runpy
    import tempfile
    import traceback

    from tests.support import fork_servers

    os.dup2(output, 1)
    os.dup2(output, 2)
    fork_servers.let_go(1)
    sys.stdout, sys.stderr = (
        open(descriptor, "w", buffering=1, closefd=False)  # noqa: SIM115
        for descriptor in (1, 2)
    )
    logging.root.handlers[:] = []
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    python, option, module, *sys.argv[1:] = words
    assert option == "-m", python
    code: object = 1
    try:
        fork_servers.sow()
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001 - as an interpreter ends with one
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
