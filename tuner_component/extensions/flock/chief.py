"""The first replica of a job: it has the head of the Ray cluster, and runs the search."""

import contextlib
import logging
import os
import secrets
import time
from collections.abc import Iterator
from unittest import mock

from tuner_component.extensions.flock import ray_node
from tuner_component.extensions.flock.board import Board, Head, Machine
from tuner_component.extensions.flock.roles import Role
from tuner_component.search.errors import SearchError, SearchStoppedError
from tuner_component.search.machine import ray_package

_log = logging.getLogger("tuner_component")

# A head that does not listen by then never will.
_START_S = 300.0
# For so long the search waits for replicas that have not come yet.
_GATHER_S = 60.0
_LOOK_S = 0.5


@contextlib.contextmanager
def leading(
    role: Role, board: Board, machine: Machine, gather_s: float = _GATHER_S
) -> Iterator[tuple[str, Machine]]:
    """Has the head of a cluster here, and replicas that join it.

    When it is left, all replicas end: also if it is left by an error, unless that says
    that this replica alone is to end, and may be started again.

    Args:
        role: This replica's.
        board: Of the job.
        machine: What this replica has.
        gather_s: Seconds to wait for the others. Who comes later is welcome as well.

    Yields:
        The head's address, and what each replica has at least.

    Raises:
        SearchError: If the head does not start.
    """
    address, token = role.address, board.token()
    head = Head(f"{address}:{role.port}", secrets.token_hex(8))
    node = ray_node.RayNode(address, machine, token, port=role.port)
    try:
        _wait(node, address, role.port)
        board.add(role.name, machine)
        board.announce(head)
        _log.info("The Ray cluster of this job has its head at %s.", head.address)
        variables = {**ray_node.environment(token), ray_package.NODE: address}
        with mock.patch.dict(os.environ, variables), _ending(board, head):
            yield head.address, _gathered(role, board, gather_s)
    finally:
        node.close()


@contextlib.contextmanager
def _ending(board: Board, head: Head) -> Iterator[None]:
    try:
        yield
    except SearchStoppedError:
        raise  # This replica is taken away, and may be started again elsewhere.
    except BaseException:
        board.end(head)
        raise
    board.end(head)


def _wait(node: ray_node.RayNode, address: str, port: int) -> None:
    until = time.monotonic() + _START_S
    while not ray_node.listens(address, port):
        if node.has_ended or time.monotonic() > until:
            raise SearchError(
                f"Expected the head of a Ray cluster to start at {address}:{port}. "
                f"Received: {node.said()}"
            )
        time.sleep(_LOOK_S)


def _gathered(role: Role, board: Board, gather_s: float) -> Machine:
    """What each replica has at least, of those that come in time."""
    until = time.monotonic() + gather_s
    while (missing := set(role.names) - board.machines().keys()) and (
        time.monotonic() < until
    ):
        time.sleep(_LOOK_S)
    if missing:
        _log.warning(
            "The search starts without %s, which may come later.",
            ", ".join(sorted(missing)),
        )
    machines = board.machines().values()
    return Machine(
        min(machine.cpus for machine in machines),
        min(machine.gpus for machine in machines),
    )
