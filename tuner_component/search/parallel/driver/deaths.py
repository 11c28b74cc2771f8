"""Why workers end."""

import signal

from tuner_component.search.machine import memory, posix
from tuner_component.search.parallel.driver.workers import Worker
from tuner_component.search.parallel.engine import WorkerExited


class Deaths:
    """Explains the ends of workers, one after the other."""

    def __init__(self) -> None:
        self._memory_kills = memory.kills()

    def explain(self, worker: Worker, exited: WorkerExited) -> tuple[str, bool]:
        """Why a worker ended, and whether memory had run out."""
        kills, self._memory_kills = self._memory_kills, memory.kills()
        if worker.doom is not None:
            return worker.doom, False
        if exited.status == -signal.SIGKILL and self._memory_kills > kills:
            used = f"{exited.peak_memory / 2**30:.1f} GiB at most"
            return f"a worker that the kernel killed: out of memory ({used})", True
        if exited.status < 0:
            name = posix.signal_name(-exited.status)
            return f"a worker killed by signal {-exited.status} ({name})", False
        return f"a worker that exited with status {exited.status}", False
