"""A replica of a job that joins the cluster of the first one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tuner_component.extensions.flock import follower, ray_node
from tuner_component.extensions.flock.board import Board, Head, Machine
from tuner_component.extensions.flock.roles import Role
from tuner_component.search.errors import StorageError

_NAMES = ("workerpool0-0", "workerpool1-0")
ROLE = Role(_NAMES[1], False, "127.0.0.1", 2222, "127.0.0.1", _NAMES)


class Node:
    """Stands for Ray on this machine."""

    has_ended = False

    def __init__(self, address: str, machine: Machine, token: str, head: str) -> None:
        self.joined = head

    def close(self) -> None:
        """Ends nothing."""


def test_a_bucket_that_fails_for_a_moment_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One replica would end with an error, and the service ends the whole job then."""
    monkeypatch.setattr(ray_node, "RayNode", Node)
    board = Board(str(tmp_path / "board"))
    board.make()
    board.announce(Head("head:1", "a"))
    read: Any = board.token
    joining = follower._Follower(ROLE, board, Machine(1, 0), wait_s=60.0)

    def fail() -> str:
        raise StorageError("Expected to read it. Received: no.")

    monkeypatch.setattr(board, "token", fail)
    assert joining.is_needed()
    assert joining._node is None
    monkeypatch.setattr(board, "token", read)
    assert joining.is_needed()
    assert isinstance(joining._node, Node)
    assert joining._node.joined == "head:1"
