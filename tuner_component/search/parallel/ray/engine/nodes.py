"""The nodes of a cluster, as the driver sees them."""

import dataclasses
from collections.abc import Iterator
from multiprocessing import connection
from typing import Any

from tuner_component.search.parallel.ray import meeting


@dataclasses.dataclass
class Node:
    """A node that an agent has come from.

    Attributes:
        node_id: The node, as Ray calls it.
        name: The same, as people call it.
        link: Connection to its agent.
        heard: When the agent last gave a sign of life, by the monotonic clock.
        is_ready: Whether it can take workers.
        ports: Those that are for processes of one trial to find each other, over and over.
        workers: Those that it was asked to start and that have not exited.
        lost_at: When the connection ended, if it has.
        drains: Whether it will be taken away.
        largest: The worker that had the most memory, as far as is known.
        leaves: Why it is about to be taken away, if it is.
    """

    node_id: str
    name: str
    link: connection.Connection
    heard: float
    is_ready: bool = False
    ports: Iterator[int] = dataclasses.field(default_factory=lambda: iter(()))
    workers: set[str] = dataclasses.field(default_factory=set)
    lost_at: float | None = None
    drains: bool = False
    largest: str = ""
    leaves: str = ""

    @property
    def takes_workers(self) -> bool:
        """Whether workers can be started there."""
        return self.is_ready and self.lost_at is None and not self.leaves

    def is_to_blame(self, worker_id: str) -> bool:
        """Whether a worker may have taken the memory of the node that has run out."""
        return self.largest not in self.workers or worker_id == self.largest

    def next_address(self) -> str:
        """An address on which processes of one trial can find one that runs here."""
        host = f"[{self.name}]" if ":" in self.name else self.name
        return f"{host}:{next(self.ports)}"

    def send(self, message: Any) -> None:
        """Sends a message, unless the agent is gone, which is noticed elsewhere."""
        if self.lost_at is None:
            try:
                self.link.send(message)
            except OSError:
                # Half of it may be on its way: what came next would make no sense.
                meeting.hang_up(self.link)
