"""A lease is renewed by its holder, and taken over when it is not: by nobody's clock."""

import json
import logging
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support import crashes
from tuner_component.search.errors import StorageError, StudyLockedError
from tuner_component.search.lock import lease as lease_lib
from tuner_component.search.lock import owner
from tuner_component.search.lock.lease import Lease
from tuner_component.search.storage import files


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_lib, "SETTLE_S", 0.01)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "lease.json"


def new(path: Path, stale_after: float = 60.0) -> Lease:
    return Lease(str(path), owner.describe(), stale_after=stale_after)


def leave_behind(path: Path, **content: Any) -> None:
    """Writes a lease of another machine, whole: as an object store does."""
    other = {"host": "elsewhere", "pid": 1, "namespace": "another", "token": "t"}
    files.write_bytes(str(path), json.dumps({**other, **content}).encode())


def write(lease: Lease) -> None:
    with lease.writing():
        pass


def test_held_lease_is_refused(path: Path) -> None:
    """Two drivers would write over each other's records."""
    held = new(path)
    held.acquire()
    with pytest.raises(StudyLockedError, match="Expected to be the only search"):
        new(path).acquire()
    write(held)
    held.release()
    assert not path.exists()
    again = new(path)
    again.acquire()
    again.release()


@pytest.mark.parametrize("ahead", [-3600, 300, 1e6])
def test_a_live_holder_is_never_late_by_another_clock(path: Path, ahead: float) -> None:
    """Clocks that differ by minutes would give a live search's study away at once."""
    leave_behind(path, renewed=time.time() - ahead)
    later = threading.Timer(
        0.2, leave_behind, [path], {"renewed": time.time() - ahead + 1}
    )
    later.start()
    with pytest.raises(StudyLockedError, match="host elsewhere"):
        new(path, stale_after=20.0).acquire()
    later.join()


def test_a_holder_that_lives_here_is_never_late(path: Path) -> None:
    """A search that was stopped for an hour would lose its study as it wakes."""
    held = new(path)
    held.acquire()
    held._stop.set()  # It renews no more.
    assert held._renewer is not None
    held._renewer.join()
    began = time.monotonic()
    with pytest.raises(StudyLockedError, match="Wait for that search to end"):
        new(path, stale_after=0.01).acquire()
    assert time.monotonic() - began < 5
    write(held)


def test_silent_holder_is_replaced_and_people_are_told(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A study whose driver's machine is gone could not be gone on with."""
    leave_behind(path, renewed=time.time() + 1000)
    taker = new(path, stale_after=0.3)
    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        taker.acquire()
    assert time.monotonic() - began >= 0.3
    waiting, taking = caplog.messages
    assert "elsewhere" in waiting and "may have died: waiting" in waiting
    assert "remove that file" in waiting
    assert "Taking over" in taking
    taker.release()


def test_waiting_can_be_interrupted(path: Path) -> None:
    """Ctrl-C would take two minutes."""
    leave_behind(path)

    def interrupted() -> None:
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            new(path).acquire()

    assert crashes.run(interrupted)


def test_an_interrupted_acquisition_leaves_nothing_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody in this process could open the study again."""
    taker = new(path)

    def interrupt(timeout: float) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(taker._stop, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        taker.acquire()
    assert not path.exists()


def test_lease_that_is_given_back_meanwhile_is_taken(path: Path) -> None:
    """A pod would wait for one that has ended in order, or fail."""
    leave_behind(path)
    later = threading.Timer(0.2, path.unlink)
    later.start()
    taker = new(path, stale_after=20.0)
    taker.acquire()
    taker.release()
    later.join()


def test_dead_holder_on_this_machine_is_replaced_at_once(path: Path) -> None:
    """A crash would cost two minutes of waiting."""

    def acquire() -> None:
        lease_lib.SETTLE_S = 0.01
        new(path).acquire()

    assert crashes.run(acquire)
    assert path.exists()
    taker = new(path)
    taker.acquire()
    taker.release()


@pytest.mark.parametrize("content", ["", "garbage", "[]", '{"token": "t"}', "[" * 9999])
def test_damaged_lease_is_waited_for_like_any_other(path: Path, content: str) -> None:
    """It may be being written; or a torn file would lock the study for ever."""
    path.write_text(content)
    taker = new(path, stale_after=0.1)
    began = time.monotonic()
    taker.acquire()
    assert time.monotonic() - began >= 0.1
    taker.release()


def test_of_two_that_ask_at_once_one_gets_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both would search."""
    first, second = new(path), new(path)
    second._await_turn()
    monkeypatch.setattr(first._stop, "wait", lambda timeout: second._write())
    with pytest.raises(StudyLockedError):
        first.acquire()
    second.look()
    second.release()


@pytest.mark.parametrize("removed", [True, False])
def test_overtaken_holder_stops_before_it_writes(
    path: Path, monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    """A driver that was thought dead would go on writing beside its successor."""
    monkeypatch.setattr(lease_lib, "CHECK_S", 0.0)
    held = new(path)
    held.acquire()
    path.unlink()
    if not removed:
        leave_behind(path)
    for _ in range(2):
        raises = pytest.raises(StudyLockedError, match="removed" if removed else "else")
        with raises, held.writing():
            pytest.fail("it wrote")
    with pytest.raises(StudyLockedError):
        held.glance()
    held.release()
    assert removed or json.loads(path.read_text())["host"] == "elsewhere"


def test_what_took_too_long_to_write_is_not_told(path: Path) -> None:
    """It might be missing from what a successor has read of the journal."""
    held = new(path)
    held.acquire()
    with pytest.raises(StudyLockedError, match="elsewhere"), held.writing():
        leave_behind(path)
        time.sleep(2 * lease_lib.SETTLE_S)
    held.release()


def test_a_machine_that_slept_in_a_write_looks_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People would be told of what was written after another search had taken over."""
    monkeypatch.setattr(lease_lib, "SETTLE_S", 60.0)
    held = new(path)
    held._stop.set()  # Nobody waits, and nobody renews.
    held.acquire()
    slept = lease_lib._now() + 3600
    with pytest.raises(StudyLockedError, match="elsewhere"), held.writing():
        leave_behind(path)
        monkeypatch.setattr(lease_lib.time, "clock_gettime", lambda clock: slept)
    held.release()


def test_knowledge_of_a_moment_ago_is_enough(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commit in a bucket would take as long again."""
    held = new(path)
    held.acquire()
    reads: list[str] = []
    for limit in ("SETTLE_S", "CHECK_S"):
        monkeypatch.setattr(lease_lib, limit, 60.0)
    monkeypatch.setattr(held, "_read", lambda: reads.append(""))
    write(held)
    assert not reads
    monkeypatch.undo()
    held.release()


def test_a_renewal_does_not_take_a_lost_lease_back(path: Path) -> None:
    """A holder that was stopped for long would take the study from its successor."""
    held = new(path, stale_after=0.08)
    held.acquire()
    leave_behind(path)
    assert held._renewer is not None
    held._renewer.join(30)
    assert json.loads(path.read_text())["host"] == "elsewhere"
    with pytest.raises(StudyLockedError, match="elsewhere"):
        held.glance()
    held.release()


def test_a_late_renewal_that_takes_long_ends_the_hold(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have written over the lease of a successor that believes in it."""
    held = new(path)
    held.acquire()
    held._renewed_at -= 61
    write_bytes = files.write_bytes

    def slowly(path: str, data: bytes) -> None:
        time.sleep(2 * lease_lib.SETTLE_S)
        write_bytes(path, data)

    monkeypatch.setattr(files, "write_bytes", slowly)
    with pytest.raises(StudyLockedError, match="Run the search again"):
        held._renew()
    with pytest.raises(StudyLockedError, match="Run the search again"):
        write(held)
    held.release()


def test_a_late_holder_whose_lease_nobody_took_goes_on(path: Path) -> None:
    """A machine that slept would cost the search."""
    held = new(path)
    held.acquire()
    held._renewed_at -= 61
    held._seen_at -= 61
    write(held)
    held.release()


def test_lease_that_cannot_be_read_lets_nothing_be_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver cut off from the storage would not know that it has a successor."""
    held = new(path)
    held.acquire()
    held._seen_at -= 61

    def unreachable(path: str) -> bytes:
        raise StorageError("no route to the bucket")

    monkeypatch.setattr(files, "read_bytes", unreachable)
    with pytest.raises(StorageError, match="no route"):
        write(held)
    held.release()
    monkeypatch.undo()
    assert path.exists()


def test_lease_is_renewed_and_always_as_long(path: Path) -> None:
    """A long search would lose its study to the next one."""
    held = new(path, stale_after=0.2)
    held.acquire()
    sizes = {path.stat().st_size}
    first = json.loads(path.read_text())["renewals"]
    until = time.monotonic() + 30
    while json.loads(path.read_text())["renewals"] <= first + 1:
        assert time.monotonic() < until
        time.sleep(0.01)
    sizes.add(path.stat().st_size)
    assert sizes == {512}
    write(held)
    held.release()
