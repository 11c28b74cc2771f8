"""Who is known to be alive, who to be dead, and who is neither."""

import os
import signal
from typing import Any

import pytest

from tuner_component.search.lock import owner


def test_this_process_is_alive_and_here() -> None:
    """A search would take its own study over."""
    mine = owner.describe()
    assert owner.is_here(mine)
    assert not owner.is_dead(mine)


def test_a_process_that_has_ended_is_dead_before_its_parent_notices() -> None:
    """A killed driver's study would be waited for as long as its executor lives."""
    child = os.fork()
    if child == 0:
        signal.pause()
    dead = {**owner.describe(), "pid": child, "started": owner._started(child)}
    assert not owner.is_dead(dead)
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert owner.is_dead(dead)
    os.waitpid(child, 0)
    assert owner.is_dead(dead)


def test_another_process_with_the_same_number_is_not_the_owner() -> None:
    """A study would be locked for as long as any process has its driver's number."""
    assert owner.is_dead({**owner.describe(), "started": "1"})


def test_an_owner_of_an_older_release_may_be_alive() -> None:
    """A live search would be taken for dead as it did not write down when it began."""
    old = owner.describe()
    del old["started"]
    assert owner.is_here(old) and not owner.is_dead(old)


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": "another boot"},
        {"namespace": None},
        {"pid": "1"},
        {"pid": -1},
        {"pid": 10**30},
    ],
)
def test_who_cannot_be_seen_is_not_dead(change: dict[str, Any]) -> None:
    """A live search on another machine would lose its study."""
    assert not owner.is_dead({**owner.describe(), **change})


def test_nobody_is_here_where_namespaces_are_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two machines of one name would take each other's processes for their own."""
    nowhere = {**owner.describe(), "namespace": None}
    monkeypatch.setattr(owner, "_namespace", lambda: None)
    assert not owner.is_here(nowhere)
