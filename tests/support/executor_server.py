"""A process that has imported Keras and forks executors for tests.

A search's fork server imports the heavy modules again, which takes ten seconds with
TensorFlow. In tests it is forked from a process that has imported them already (see
`fork_servers`); everything else is as in production. The process here also adopts
processes that outlive their parent, so that a test can see them.
"""

import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import connection, reduction
from typing import Any, NoReturn

from tuner_component.search.machine import posix


def main(descriptor: int, modules: Sequence[str] = ()) -> NoReturn:
    """Forks a process for each request, until the test's process is gone.

    Args:
        descriptor: Of the connection to the test's process.
        modules: Names of what to import before.
    """
    gc.disable()  # Imports make millions of objects, and nearly no garbage.
    for name in modules:
        importlib.import_module(name)
    control = connection.Connection(descriptor)
    posix.adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # No test needs their exit status.
    # Each fork server does this again, and would go through all of Keras for it.
    gc.collect()
    gc.freeze()
    gc.enable()
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


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
