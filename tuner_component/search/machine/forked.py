"""Calling a function in a process of its own: a copy of this one, which then ends.

Whatever the function leaves behind in its process (a framework that runs, memory, names,
ports, handlers) is gone afterwards.
"""

import os
import shutil
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from multiprocessing import connection
from typing import Any, Generic, NoReturn, TypeVar

from tuner_component.search.machine import output, posix

_T = TypeVar("_T")
# Threads of this package's own: they hold nothing for long that the copy needs.
_OWN_THREADS = "tuner_component"


class ForkedCallError(Exception):
    """The process has no answer: it died, or took too long. Says how."""


def obstacle() -> str | None:
    """Why this process must not be forked; None if it may be.

    The copy has only the thread that forks it: what another one was about to do, a lock
    that it holds included, is never done there.
    """
    if sys.platform != "linux":
        return f"the platform is {sys.platform}"
    if framework := running_framework():
        return f"{framework} runs in this process already"
    if threading.current_thread() is not threading.main_thread():
        return "this is not the process's main thread"
    main = threading.main_thread()
    for thread in threading.enumerate():
        if thread is not main and not thread.name.startswith(_OWN_THREADS):
            return f"the process has another thread: {thread.name}"
    return None


def running_framework() -> str | None:
    """The framework that computes in this process, if one has started to.

    A forked process would inherit its state without its threads, and hang.
    """
    eager = sys.modules.get("tensorflow.python.eager.context")
    if getattr(getattr(eager, "_context", None), "_initialized", False):
        return "TensorFlow"
    if getattr(sys.modules.get("jax._src.xla_bridge"), "_backends", None):
        return "JAX"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "PyTorch on a GPU"
    return None


class ForkedCall(Generic[_T]):
    """A function that runs in a copy of this process, from now on.

    What it prints is kept away from this process's output. Temporary files that it makes
    with `tempfile`, and its process with all that it started, go when this is closed.

    Args:
        function: What to call. Its result must be picklable.
    """

    def __init__(self, function: Callable[[], _T]) -> None:
        self._directory = tempfile.mkdtemp(prefix="tuner_component_")
        self._log = os.path.join(self._directory, "log")
        self._answer, theirs = connection.Pipe(duplex=False)
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid == 0:
            self._answer.close()
            _run(parent, function, theirs, self._directory, self._log)
        theirs.close()
        posix.lead_own_group(self._pid)

    def result(self, timeout_s: float) -> _T:
        """Waits for the result.

        Args:
            timeout_s: For so many seconds at most.

        Raises:
            ForkedCallError: If there is none.
        """
        if not self._answer.poll(timeout_s):
            raise ForkedCallError(f"its process took longer than {timeout_s:g} seconds")
        try:
            result: _T = self._answer.recv()
        except EOFError:
            said = output.tail(self._log) or "(nothing)"
            raise ForkedCallError(
                f"its process {self._end()}; it printed at last:\n{said}"
            ) from None
        return result

    def close(self) -> None:
        """Ends the process, and removes what it leaves behind."""
        if self._pid:
            self._end()
        self._answer.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _end(self) -> str:
        """Ends the process with all that it started; returns how it had ended."""
        # Until it is waited for, no other process can get its number. One that has begun
        # to end keeps its status.
        posix.kill_group(self._pid)
        _, wait_status = os.waitpid(self._pid, 0)
        self._pid = 0
        status = os.waitstatus_to_exitcode(wait_status)
        if status < 0:
            return f"was killed by signal {-status} ({posix.signal_name(-status)})"
        return f"exited with status {status}"


def _run(
    parent: int,
    function: Callable[[], Any],
    answer: connection.Connection,
    directory: str,
    log: str,
) -> NoReturn:
    """The life of the copy: never returns into the code of the process it copies."""
    status = 1
    try:
        posix.begin_as_child(parent)
        _print_to(log)
        os.environ["TMPDIR"] = tempfile.tempdir = directory
        answer.send(function())
        status = 0
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        # What is registered with atexit is not the copy's to end.
        output.flush()
        os._exit(status)


def _print_to(path: str) -> None:
    """Sends into a file what is printed, whatever prints it, and wherever to."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    # Those of the copied process may not be files at all.
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
