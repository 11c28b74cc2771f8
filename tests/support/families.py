"""The processes of a search in workers, whatever started them.

On one machine all descend from the executor. On the tests' cluster (`ray_cluster`) those of
the nodes do not; each is known by the executor of its search (see `node_servers`).
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from tests.support import node_servers, processes


@dataclasses.dataclass(frozen=True)
class Family:
    """The process ids of a search in workers; it may have begun just now.

    Attributes:
        core: Those without any of which the search ends: the executor, its fork server,
            the driver, and on a cluster the driver's broker.
        nodes: On a cluster the agents, and their fork servers.
        workers: The running workers, in the order in which they were started.
    """

    core: list[int]
    nodes: list[int]
    workers: list[int]

    @property
    def executor(self) -> int:
        """Runs the pipeline."""
        return self.core[0]

    @property
    def server(self) -> int:
        """Forks the driver, and on one machine the workers."""
        return self.core[1]

    @property
    def driver(self) -> int:
        """Owns the study."""
        return self.core[2]

    @property
    def all(self) -> list[int]:
        """All of them."""
        return [*self.core, *self.nodes, *self.workers]


def of(executor: int) -> Family:
    """The processes that run now for an executor."""
    here = [executor, *sorted(processes.descendants(executor), key=_is_broker)]
    if node_servers.ADDRESS in os.environ:
        return Family(here, *on_nodes(executor))
    return Family(here[:3], [], here[3:])


def kill(executor: int) -> list[int]:
    """Kills all of a search that runs on the executor's machine.

    Returns:
        All processes of the search: on a cluster, those of the nodes have to end as well.
    """
    family = of(executor)
    processes.kill(executor, *processes.descendants(executor))
    return family.all


def on_nodes(executor: int | None = None) -> tuple[list[int], list[int]]:
    """What runs on the nodes of the tests' cluster: agents and fork servers, workers.

    Args:
        executor: Of which search; None for all searches.
    """
    others, workers = [], []
    for agent, server in node_servers.started_by(executor):
        if processes.command(agent).startswith("ray::Agent"):
            others.append(agent)
        # Numbers of processes are used again.
        if "node_servers.main(" in processes.command(server):
            others.append(server)
            workers += processes.descendants(server)
    return others, sorted(workers, key=_began)


def left(executors: processes.Executors) -> list[int]:
    """Every process of any search that runs now."""
    others, workers = on_nodes()
    return [*executors.descendants(), *others, *workers]


def _is_broker(pid: int) -> bool:
    """Whether a process is the driver's broker, which its fork server starts first."""
    return "broker.serve_descriptor(" in processes.command(pid)


def _began(pid: int) -> int:
    """When a process was started; 0 if it has ended."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(facts.rpartition(")")[2].split()[19])
