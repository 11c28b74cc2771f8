"""All replicas of a job but the first: nodes of its Ray cluster until the search is over."""

import logging
import signal
import time
from multiprocessing import connection

from tuner_component.extensions.flock import ray_node
from tuner_component.extensions.flock.board import Board, Head, Machine
from tuner_component.extensions.flock.roles import Role
from tuner_component.search.errors import (
    SearchError,
    SearchStoppedError,
    StorageError,
)
from tuner_component.search.machine import posix

_log = logging.getLogger("tuner_component")

_LOOK_S = 2.0
# A node that ended before this had not joined.
_JOINED_S = 30.0
# The first replica may be started again elsewhere, which takes the service its time.
WAIT_S = 1800.0


def follow(role: Role, board: Board, machine: Machine, wait_s: float = WAIT_S) -> None:
    """Is a node of the cluster until the search is over.

    If the head is lost, the node joins the next one.

    Args:
        role: This replica's.
        board: Of the job.
        machine: What this replica has.
        wait_s: For so long it does without a head, before it gives up.

    Raises:
        SearchStoppedError: If it is told to end by SIGTERM or SIGINT.
        SearchError: If there is no head to join.
    """
    follower = _Follower(role, board, machine, wait_s)
    try:
        with posix.caught_signals(signal.SIGTERM, signal.SIGINT) as signals:
            while follower.is_needed():
                connection.wait([signals], _LOOK_S)  # type: ignore[list-item]
                if received := signals.read():
                    raise SearchStoppedError(
                        f"Expected the replica {role.name} to be there until the search "
                        f"ends. Received: {posix.signal_name(received[0])}."
                    )
    finally:
        follower.leave()


class _Follower:
    def __init__(
        self, role: Role, board: Board, machine: Machine, wait_s: float
    ) -> None:
        self._role, self._board, self._machine = role, board, machine
        self._wait_s = wait_s
        self._node: ray_node.RayNode | None = None
        self._joined: Head | None = None
        self._started = self._well = self._looked = time.monotonic()
        self._said = "the first replica has not said where it is"
        board.token()  # Whoever does not see it sees nothing of the job.
        board.add(role.name, machine)

    def is_needed(self) -> bool:
        """Looks at what has changed; False when the search is over."""
        now = time.monotonic()
        try:
            head = self._board.head()
            over = head is not None and self._board.has_ended(head)
            if head is None:
                self._board.token()  # Was all of it removed?
        except StorageError as error:
            if now > self._looked + self._wait_s:
                raise
            _log.warning("The replica %s looks again: %s", self._role.name, error)
            return True
        self._looked = now
        if over:
            _log.info("The search is over: the replica %s ends.", self._role.name)
            return False
        if self._node is not None:
            self._look_after(head, now)
        if self._node is None and head is not None and now >= self._started:
            self._try_to_join(head)
        if self._node is None or now < self._started + _JOINED_S:
            if now > self._well + self._wait_s:
                raise SearchError(
                    f"Expected the replica {self._role.name} to have a Ray cluster to "
                    f"join. Received: none for {self._wait_s:g} seconds; {self._said}"
                )
        else:
            self._well = now
        return True

    def leave(self) -> None:
        """Ends the node here, if there is one."""
        if self._node is not None:
            self._node.close()
            self._node = None

    def _look_after(self, head: Head | None, now: float) -> None:
        assert self._node is not None
        if self._node.has_ended:
            self._said = f"Ray ended here, and said:\n{self._node.said()}"
            _log.warning("The replica %s has left: %s", self._role.name, self._said)
            self._started = now + _LOOK_S  # Not again at once.
        elif head == self._joined:
            return
        self.leave()

    def _try_to_join(self, head: Head) -> None:
        try:
            token = self._board.token()
        except StorageError as error:
            _log.warning("The replica %s looks again: %s", self._role.name, error)
            return
        _log.info("The replica %s joins %s.", self._role.name, head.address)
        self._started = time.monotonic()
        self._joined = head
        self._node = ray_node.RayNode(
            self._role.address, self._machine, token, head=head.address
        )
