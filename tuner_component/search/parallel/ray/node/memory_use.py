"""Which worker of a node has the most memory.

When a node's memory runs out, Ray ends the largest of its own processes or the youngest,
but it knows none of the workers: it ends the agent, and they all end with it. Which of
their trials is to blame has to be known by then.
"""

from tuner_component.search.machine import posix
from tuner_component.search.parallel.engine import (
    Event,
    WorkerExited,
    WorkerStarted,
)


class MemoryUse:
    """Watches the memory of a node's workers."""

    def __init__(self) -> None:
        self._pids: dict[str, int] = {}

    def note(self, event: Event) -> None:
        """Takes down what has happened to a worker."""
        if isinstance(event, WorkerStarted):
            self._pids[event.worker_id] = event.pid
        elif isinstance(event, WorkerExited):
            self._pids.pop(event.worker_id, None)

    def largest(self) -> str:
        """The worker that has the most, with all that it has started; "" if none runs."""
        sizes = {worker_id: _pages(pid) for worker_id, pid in self._pids.items()}
        return max(sizes, key=lambda worker_id: sizes[worker_id], default="")


def _pages(pid: int) -> int:
    """The resident memory of a process and its descendants."""
    facts = posix.read_if_there(f"/proc/{pid}/statm").split()
    own = int(facts[1]) if facts else 0
    return own + sum(map(_pages, posix.children(pid)))
