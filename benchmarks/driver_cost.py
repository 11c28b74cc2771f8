"""What a driver spends its processor time on: bookkeeping, messages, and the rest.

`watch_driver` is called in the driver, and has it tell what cannot be seen from outside:
which of its threads is the oracle's, and how long the dispatcher has taken. All else is
read from `/proc`, in any process, by `spent`.
"""

import mmap
import os
import struct
import threading
import time
from pathlib import Path
from typing import Any

from tuner_component.search.parallel.driver import dispatcher, oracle_thread

# The number of the oracle's thread, and the seconds that the dispatcher has taken.
_TOLD = struct.Struct("=qd")
_TICKS = os.sysconf("SC_CLK_TCK")


def watch_driver(path: str) -> None:
    """Has this process, a driver, tell what it spends.

    Reading the thread's clock before and after costs about a thousandth of a trial.

    Args:
        path: A local file, which is made.
    """
    told = _Told(path)
    work, handle = oracle_thread.OracleThread._work, dispatcher.Dispatcher.handle

    def watched_work(thread: oracle_thread.OracleThread) -> None:
        told.oracle_thread = threading.get_native_id()
        told.write()
        work(thread)

    def watched_handle(self: dispatcher.Dispatcher, *args: Any) -> Any:
        before = time.thread_time()
        try:
            return handle(self, *args)
        finally:
            told.dispatching_s += time.thread_time() - before
            told.write()

    oracle_thread.OracleThread._work = watched_work  # type: ignore[method-assign]
    dispatcher.Dispatcher.handle = watched_handle  # type: ignore[method-assign]


def spent(driver: int, path: Path) -> dict[str, float]:
    """Seconds of processor time that a driver has spent so far.

    Args:
        driver: Its process id.
        path: As for `watch_driver`.

    Returns:
        `driver` is the whole. Of that, `oracle_thread` and `dispatching` are bookkeeping;
        `messages` is the rest of the main thread, and `other_threads` what is left. The
        system counts each thread in hundredths of a second, so the parts differ from the
        whole by one or two of these.
    """
    number, dispatching = _TOLD.unpack(path.read_bytes())
    tasks = Path(f"/proc/{driver}/task")
    threads = {int(task.name): cpu_s(str(task)) for task in tasks.iterdir()}
    main, oracle = threads.pop(driver), threads.pop(number)
    return {
        "driver": cpu_s(f"/proc/{driver}"),
        "oracle_thread": oracle,
        "dispatching": dispatching,
        "messages": main - dispatching,
        "other_threads": sum(threads.values()),
    }


def cpu_s(process: str) -> float:
    """Seconds of processor time of a process or a thread, by its directory in `/proc`."""
    fields = Path(process, "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class _Told:
    """What the driver tells, in memory that others can read as a file."""

    def __init__(self, path: str) -> None:
        self.oracle_thread = 0
        self.dispatching_s = 0.0
        with open(path, "wb+") as file:
            file.truncate(_TOLD.size)
            self._memory = mmap.mmap(file.fileno(), _TOLD.size)

    def write(self) -> None:
        _TOLD.pack_into(self._memory, 0, self.oracle_thread, self.dispatching_s)
