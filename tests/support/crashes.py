"""Runs parts of a search in processes that may be killed at any point.

They are forked from a template: a copy of this process from before its first test. A
process that has trained a model can no longer be forked, because the copy lacks
TensorFlow's threads.
"""

import os
import signal
import socket
import struct
import traceback
from collections.abc import Callable

import cloudpickle

from tuner_component.search.storage import faults

_LENGTH = struct.Struct("<Q")

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
    assert _template is not None
    message = cloudpickle.dumps((work, fault))
    _template.sendall(_LENGTH.pack(len(message)) + message)
    (status,) = _LENGTH.unpack(_read(_template, _LENGTH.size))
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0, "the process raised; see its traceback"
    return True


def _serve(requests: socket.socket) -> None:
    while True:
        (length,) = _LENGTH.unpack(_read(requests, _LENGTH.size))
        message = _read(requests, length)
        child = os.fork()
        if child == 0:
            _work(message)
        _, status = os.waitpid(child, 0)
        requests.sendall(_LENGTH.pack(status))


def _work(message: bytes) -> None:
    code = 1
    try:
        work, fault = cloudpickle.loads(message)
        if fault is not None:
            os.environ[faults.VARIABLE] = fault
        work()
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
