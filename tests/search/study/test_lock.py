"""One driver at a time, and no lock outlives its holder."""

import json
import multiprocessing
import multiprocessing.synchronize
import os
import signal
from pathlib import Path

import pytest

from tests.search.conftest import Mount
from tuner_component.search.errors import StorageError, StudyLockedError
from tuner_component.search.study.lock import StudyLock


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
