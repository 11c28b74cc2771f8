"""One driver at a time, and no lock outlives its holder.

The first half is about the kernel's lock, the second about the lease that stands in for
it: renewed by its holder, taken over when it is not.
"""

import json
import logging
import multiprocessing
import multiprocessing.synchronize
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.search.conftest import Mount
from tests.support import crashes
from tuner_component.search.errors import StorageError, StudyLockedError
from tuner_component.search.study import lock as lock_lib
from tuner_component.search.study.lock import Lease, StudyLock, describe_owner


def hold(directory: str, held: multiprocessing.synchronize.Event) -> None:
    lock = StudyLock(directory)
    lock.acquire()
    held.set()
    signal.pause()


def test_held_lock_names_its_holder(tmp_path: Path) -> None:
    """Nobody would know which process to wait for or to stop."""
    lock = StudyLock(str(tmp_path))
    lock.acquire()
    with pytest.raises(StudyLockedError, match=f"pid {os.getpid()}") as raised:
        StudyLock(str(tmp_path)).acquire()
    assert "Wait for that search to end, or stop it" in str(raised.value)
    lock.release()
    StudyLock(str(tmp_path)).acquire()


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    """A crashed search could not be gone on with."""
    context = multiprocessing.get_context("fork")
    held = context.Event()
    holder = context.Process(target=hold, args=(str(tmp_path), held))
    holder.start()
    assert held.wait(30)
    with pytest.raises(StudyLockedError, match=f"pid {holder.pid}"):
        StudyLock(str(tmp_path)).acquire()
    holder.kill()
    holder.join()
    StudyLock(str(tmp_path)).acquire()


def test_orphan_does_not_keep_its_parents_lock(tmp_path: Path) -> None:
    """A process that training code left behind would block the study for ever."""
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        StudyLock(str(tmp_path)).acquire()
        if os.fork() == 0:
            os.write(writer, str(os.getpid()).encode())
            signal.pause()
        signal.pause()
    orphan = int(os.read(reader, 100))
    try:
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        StudyLock(str(tmp_path)).acquire()
    finally:
        os.kill(orphan, signal.SIGKILL)


def test_end_of_a_child_does_not_free_its_parents_lock(tmp_path: Path) -> None:
    """A finished data loader would let a second driver in."""
    lock = StudyLock(str(tmp_path))
    lock.acquire()
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(StudyLockedError):
        StudyLock(str(tmp_path)).acquire()
    lock.release()


def test_releasing_twice_is_fine(tmp_path: Path) -> None:
    """A second `close` would close somebody else's file."""
    lock = StudyLock(str(tmp_path))
    lock.acquire()
    lock.release()
    lock.release()
    lock.check()


@pytest.mark.parametrize("content", [b"", b"garbage", b"[1]"])
def test_unknown_holder_is_still_refused(tmp_path: Path, content: bytes) -> None:
    """A damaged owner file would crash, or let a second driver in."""
    lock = StudyLock(str(tmp_path))
    lock.acquire()
    (tmp_path / "lock").write_bytes(content)
    with pytest.raises(StudyLockedError, match="unknown"):
        StudyLock(str(tmp_path)).acquire()
    lock.release()


def test_owner_is_written_down(tmp_path: Path) -> None:
    """An operator could not see who has a study."""
    StudyLock(str(tmp_path)).acquire()
    owner = json.loads((tmp_path / "lock").read_text())
    assert owner["pid"] == os.getpid()
    assert set(owner) >= {"host", "since"}


def test_read_only_directory_is_explained(mount: Mount) -> None:
    """Nobody would be told to choose another directory."""
    with pytest.raises(StorageError, match="choose another study directory"):
        StudyLock(str(mount("ro"))).acquire()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_lib, "SETTLE_S", 0.01)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "lease.json"


def new(path: Path, stale_after: float = 60.0) -> Lease:
    return Lease(str(path), describe_owner(), stale_after=stale_after)


def leave_behind(path: Path, **content: Any) -> None:
    owner = {"host": "elsewhere", "pid": 1, "namespace": "another", "token": "t"}
    path.write_text(json.dumps({**owner, **content}))


def test_held_lease_is_refused(path: Path) -> None:
    """Two drivers would write over each other's records."""
    held = new(path)
    held.acquire()
    with pytest.raises(StudyLockedError, match=f"pid {os.getpid()}"):
        new(path).acquire()
    held.check()
    held.release()
    assert not path.exists()
    again = new(path)
    again.acquire()
    again.release()


def test_silent_holder_is_replaced(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A study whose driver's machine is gone could not be gone on with."""
    leave_behind(path, renewed=time.time() - 61)
    taker = new(path)
    with caplog.at_level(logging.WARNING):
        taker.acquire()
    assert "elsewhere" in caplog.text
    taker.release()


def test_holder_elsewhere_that_renews_is_not(path: Path) -> None:
    """A live driver on another machine would lose its study."""
    leave_behind(path, renewed=time.time() - 1)
    later = threading.Timer(0.2, leave_behind, [path], {"renewed": time.time() + 5})
    later.start()
    with pytest.raises(StudyLockedError, match="host elsewhere"):
        new(path, stale_after=4.0).acquire()
    later.join()


def test_holder_elsewhere_that_has_just_died_is_outlived(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A pod that is started again would fail as long as its predecessor is missed."""
    leave_behind(path, renewed=time.time())
    taker = new(path, stale_after=0.5)
    with caplog.at_level(logging.WARNING):
        taker.acquire()
    assert "may have died: waiting" in caplog.text
    taker.release()


def test_lease_that_is_given_back_meanwhile_is_taken(path: Path) -> None:
    """A pod would wait for one that has ended in order, or fail."""
    leave_behind(path, renewed=time.time())
    later = threading.Timer(0.2, path.unlink)
    later.start()
    taker = new(path, stale_after=4.0)
    taker.acquire()
    taker.release()
    later.join()


def test_dead_holder_on_this_machine_is_replaced_at_once(path: Path) -> None:
    """A crash would cost two minutes of waiting."""
    assert crashes.run(lambda: new(path).acquire())
    assert path.exists()
    taker = new(path)
    taker.acquire()
    taker.release()


@pytest.mark.parametrize("content", ["", "garbage", "[]", '{"token": "t"}'])
def test_damaged_lease_is_replaced(path: Path, content: str) -> None:
    """A torn file would lock the study for ever."""
    path.write_text(content)
    taker = new(path)
    taker.acquire()
    taker.release()


def test_overtaken_holder_notices(path: Path) -> None:
    """A driver that was thought dead would go on writing beside its successor."""
    held = new(path, stale_after=0.08)
    held.acquire()
    leave_behind(path, renewed=time.time() + 1000)
    assert held._renewer is not None
    held._renewer.join(30)
    with pytest.raises(StudyLockedError, match="elsewhere"):
        held.check()
    held.release()
    assert json.loads(path.read_text())["host"] == "elsewhere"


def test_lease_is_renewed(path: Path) -> None:
    """A long search would lose its study to the next one."""
    held = new(path, stale_after=0.2)
    held.acquire()
    first = json.loads(path.read_text())["renewed"]
    renewed = threading.Event()

    def watch() -> None:
        while json.loads(path.read_text())["renewed"] <= first:
            renewed.wait(0.01)
        renewed.set()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    watcher.join(30)
    assert renewed.is_set()
    held.check()
    held.release()


def test_lease_that_cannot_be_renewed_is_not_believed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver cut off from the storage would not know it may have a successor."""
    held = new(path, stale_after=60)
    held.acquire()
    held._renewed_at -= 61
    with pytest.raises(StudyLockedError, match="Run the search again"):
        held.check()
    held.release()
