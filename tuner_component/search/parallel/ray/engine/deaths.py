"""What becomes of a node whose agents die before anything can run there."""

import collections
import math
import time

# An agent that dies so often leaves its node out.
_MOST = 3
# For so long if Ray has ended it each time for want of memory, which others may give back;
# and twice as long each time that it comes to that again.
_REST_S = 300.0


class Deaths:
    """Counts the deaths of agents on each node."""

    def __init__(self) -> None:
        self._deaths: collections.Counter[str] = collections.Counter()
        self._for_memory: collections.Counter[str] = collections.Counter()
        self._rests: collections.Counter[str] = collections.Counter()
        self._until: dict[str, float] = {}

    def count(self, node_id: str, out_of_memory: bool) -> float:
        """An agent has died.

        Args:
            node_id: Where.
            out_of_memory: Whether Ray has ended it for want of memory.

        Returns:
            For how many seconds the node is left out: 0 if another agent may start at
            once, infinity if it is for good.
        """
        self._deaths[node_id] += 1
        self._for_memory[node_id] += out_of_memory
        if self._deaths[node_id] < _MOST:
            return 0.0
        if self._for_memory[node_id] < _MOST:
            return math.inf
        rest_s = float(_REST_S * 2 ** self._rests[node_id])
        self._forget(node_id)
        self._rests[node_id] += 1
        self._until[node_id] = time.monotonic() + rest_s
        return rest_s

    def serves(self, node_id: str) -> None:
        """Trials can run on a node."""
        self._forget(node_id)
        del self._rests[node_id]

    def rested(self) -> list[str]:
        """The nodes that can be tried again now; each is told once."""
        now = time.monotonic()
        over = [node_id for node_id, until in self._until.items() if now >= until]
        for node_id in over:
            del self._until[node_id]
        return over

    def _forget(self, node_id: str) -> None:
        del self._deaths[node_id], self._for_memory[node_id]
