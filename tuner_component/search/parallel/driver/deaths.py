"""Why workers end."""

from tuner_component.search.machine import posix
from tuner_component.search.parallel.driver.workers import Worker
from tuner_component.search.parallel.engine import WorkerExited


def explain(worker: Worker, exited: WorkerExited) -> str:
    """Why a worker ended, for people."""
    if worker.doom is not None:
        return worker.doom
    if exited.lost:
        return f"a worker that was lost: {exited.lost}"
    if exited.out_of_memory:
        used = f"{exited.peak_memory / 2**30:.1f} GiB at most"
        return f"a worker that the kernel killed: out of memory ({used})"
    if exited.status < 0:
        name = posix.signal_name(-exited.status)
        return f"a worker killed by signal {-exited.status} ({name})"
    return f"a worker that exited with status {exited.status}"
