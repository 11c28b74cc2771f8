"""For how long an agent may go on unheard."""

import queue
import threading
import time

import pytest

from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel.ray import lease as lease_lib
from tuner_component.search.parallel.ray.lease import Lease, Limits


class _Clock:
    """A clock that the test turns."""

    now = 100.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    turned = _Clock()
    monkeypatch.setattr(lease_lib, "_now", lambda: turned.now)
    return turned


@pytest.mark.parametrize("seconds", [2.0, 60.0])
def test_who_holds_a_lease_ends_before_others_go_on(seconds: float) -> None:
    """Two would train the same trial, or a short break of the network cost a node."""
    limits = Limits.of(SearchOptions(heartbeat_timeout_s=seconds))
    assert 5 < limits.lease_s < limits.patience_s < limits.silence_s
    assert limits.silence_s == max(15.0, seconds)


def test_a_lease_runs_from_what_was_heard(clock: _Clock) -> None:
    """What was heard long ago would count from when the answer came."""
    lease = Lease(5)
    beat = lease.beat()
    clock.now += 4
    lease.renew(beat)
    clock.now += 1
    assert lease.is_over


def test_a_lease_goes_on_while_signs_come_back(clock: _Clock) -> None:
    """A node would end although all is well."""
    lease = Lease(5)
    for _ in range(10):
        beat = lease.beat()
        clock.now += 1
        lease.renew(beat)
        assert not lease.is_over


def test_an_old_sign_does_not_shorten_a_lease(clock: _Clock) -> None:
    """Answers that come in heaps, after a break, would end a node."""
    lease = Lease(5)
    old, new = lease.beat(), None
    clock.now += 4
    new = lease.beat()
    lease.renew(new)
    lease.renew(old)
    clock.now += 4
    assert not lease.is_over


def test_the_end_does_not_wait_for_a_thread_that_hangs() -> None:
    """An agent that waits until the network takes a log's lines would never end."""
    ended: queue.SimpleQueue[float] = queue.SimpleQueue()
    lease = Lease(0.05)
    with lease.guarded(lambda: ended.put(time.monotonic())):
        ended.get(timeout=10)
    assert lease.is_over


def test_nothing_ends_before_the_lease_does() -> None:
    """An agent that has ended would have its successor's processes killed."""
    ended = threading.Event()
    with Lease(3600).guarded(ended.set):
        pass
    assert not ended.is_set()
