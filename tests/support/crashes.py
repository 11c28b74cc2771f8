"""Runs parts of a search in processes that may be killed at any point.

They are forked from a template: a copy of this process from before its first test. A
process that has trained a model can no longer be forked, because the copy lacks
TensorFlow's threads.
"""

import os
import shutil
import signal
import socket
import struct
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import cloudpickle

from tuner_component.search.storage import faults

_LENGTH = struct.Struct("<Q")
_REQUEST = struct.Struct(
    "<Q?"
)  # Bytes that follow, and whether a descriptor does, too.

_template: socket.socket | None = None


def start_template() -> None:
    """Forks the template, which ends with this process."""
    global _template
    _template, theirs = socket.socketpair()
    if os.fork() == 0:
        _template.close()
        try:
            _serve(theirs)
        finally:
            os._exit(0)
    theirs.close()


def run(work: Callable[[], object], fault: str | None = None) -> bool:
    """Runs `work` in a process that has imported everything and done nothing yet.

    Args:
        work: What the process does. It may be a closure; what it changes is lost.
        fault: `<point>[:<n>]`: where to kill the process.

    Returns:
        Whether the process ended by itself; False if the fault killed it.
    """
    status = _ask((work, fault))
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0, "the process raised; see its traceback"
    return True


def run_through(
    work: Callable[[str], object], point: str, directory: Path
) -> list[str]:
    """Runs `work`, and the rest of it from each state in which a kill would leave it.

    That takes two processes. With a kill and a new process for each state, starting them
    took most of the time. A kill leaves what is in the files at that moment, and so does
    a copy that the process itself makes there, if it has one thread.

    Args:
        work: What writes into the directory that it gets, or goes on there.
        point: The fault point, which `work` passes again and again.
        directory: Where the directories go.

    Returns:
        The directories in which `work` went on, in the order of the states.
    """
    copies = directory / "killed"

    def keep() -> None:
        source = directory / "undisturbed"

        def copy(name: str) -> None:
            if name == point:
                assert threading.active_count() == 1
                number = len(os.listdir(copies)) + 1
                shutil.copytree(source, copies / f"{number:03}")

        copies.mkdir()
        faults.point = copy
        work(str(source))

    assert run(keep)
    killed = [str(path) for path in sorted(copies.iterdir())]
    assert run(lambda: [work(path) for path in killed])
    return killed


def start(work: Callable[[int], object], descriptor: int) -> int:
    """Starts `work` in such a process, without waiting for its end.

    Args:
        work: What the process does; it is given its copy of the descriptor.
        descriptor: The process has no other way to say anything.

    Returns:
        The id of the process.
    """
    return _ask((work, None), descriptor)


def _ask(request: object, descriptor: int | None = None) -> int:
    assert _template is not None
    message = cloudpickle.dumps(request)
    passes = descriptor is not None
    _template.sendall(_REQUEST.pack(len(message), passes) + message)
    if descriptor is not None:
        socket.send_fds(_template, [b"."], [descriptor])
    (answer,) = _LENGTH.unpack(_read(_template, _LENGTH.size))
    return int(answer)


def _serve(requests: socket.socket) -> None:
    while True:
        length, passes = _REQUEST.unpack(_read(requests, _REQUEST.size))
        message = _read(requests, length)
        descriptors = socket.recv_fds(requests, 1, 1)[1] if passes else []
        child = os.fork()
        if child == 0:
            _work(message, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        answer = child if passes else os.waitpid(child, 0)[1]
        requests.sendall(_LENGTH.pack(answer))


def _work(message: bytes, *descriptors: int) -> None:
    code = 1
    try:
        work, fault = cloudpickle.loads(message)
        if fault is not None:
            os.environ[faults.VARIABLE] = fault
        work(*descriptors)
        code = 0
    except BaseException:  # noqa: BLE001 - the test asserts on the status
        traceback.print_exc()
    finally:
        os._exit(code)


def _read(source: socket.socket, length: int) -> bytes:
    """Reads `length` bytes; raises EOFError if the other process has ended."""
    data = b""
    while len(data) < length:
        part = source.recv(length - len(data))
        if not part:
            raise EOFError("the other process has ended")
        data += part
    return data
