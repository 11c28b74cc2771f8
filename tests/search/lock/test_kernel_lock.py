"""The kernel's lock is on a file, and stays with it whatever happens to its name."""

import json
import multiprocessing
import multiprocessing.synchronize
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.search.conftest import Mount
from tuner_component.search.errors import StorageError, StudyLockedError
from tuner_component.search.lock import kernel_lock
from tuner_component.search.lock.lock import StudyLock


def hold(directory: str, held: multiprocessing.synchronize.Event) -> None:
    lock = StudyLock(directory)
    lock.acquire()
    held.set()
    signal.pause()


def acquired(directory: Path) -> StudyLock:
    lock = StudyLock(str(directory))
    lock.acquire()
    return lock


@pytest.fixture(name="study")
def _study(tmp_path: Path) -> Path:
    study = tmp_path / "study"
    study.mkdir()
    return study


def test_held_lock_names_its_holder(study: Path) -> None:
    """Nobody would know which process to wait for or to stop."""
    lock = acquired(study)
    with pytest.raises(StudyLockedError, match=f"pid {os.getpid()}") as raised:
        acquired(study)
    assert "Wait for that search to end, or stop it" in str(raised.value)
    lock.release()
    acquired(study).release()


def test_lock_of_a_killed_process_is_free(study: Path) -> None:
    """A crashed search could not be gone on with."""
    context = multiprocessing.get_context("fork")
    held = context.Event()
    holder = context.Process(target=hold, args=(str(study), held))
    holder.start()
    assert held.wait(30)
    with pytest.raises(StudyLockedError, match=f"pid {holder.pid}"):
        acquired(study)
    holder.kill()
    holder.join()
    acquired(study).release()


def test_orphan_does_not_keep_its_parents_lock(study: Path) -> None:
    """A process that training code left behind would block the study for ever."""
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        lock = acquired(study)
        with lock.writing():
            if os.fork() == 0:
                os.write(writer, str(os.getpid()).encode())
                signal.pause()
            signal.pause()
    orphan = int(os.read(reader, 100))
    try:
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        acquired(study).release()
    finally:
        os.kill(orphan, signal.SIGKILL)


def test_end_of_a_child_does_not_free_its_parents_lock(study: Path) -> None:
    """A finished data loader would let a second driver in."""
    lock = acquired(study)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(StudyLockedError):
        acquired(study)
    lock.release()


@pytest.mark.parametrize("content", [b"", b"garbage", b"[1]", b"[" * 4096])
def test_unknown_holder_is_still_refused(study: Path, content: bytes) -> None:
    """A damaged owner file would crash, or let a second driver in."""
    lock = acquired(study)
    (study / "lock").write_bytes(content)
    with pytest.raises(StudyLockedError, match="unknown"):
        acquired(study)
    lock.release()


def test_owner_is_written_down(study: Path) -> None:
    """An operator could not see who has a study."""
    (study / "lock").write_text("x" * 4096)
    lock = acquired(study)
    owner = json.loads((study / "lock").read_text())
    assert owner["pid"] == os.getpid()
    assert set(owner) >= {"host", "since"}
    lock.release()


def remove_lock(study: Path) -> None:
    (study / "lock").unlink()


def replace_lock(study: Path) -> None:
    (study / "new").touch()
    (study / "new").rename(study / "lock")


def move(study: Path) -> None:
    study.rename(study.with_name("moved"))


def remove(study: Path) -> None:
    shutil.rmtree(study)


def put_a_fifo(study: Path) -> None:
    remove_lock(study)
    os.mkfifo(study / "lock")


def put_a_link(study: Path) -> None:
    (study / "lock").rename(study / "old")
    (study / "lock").symlink_to("old")


CHANGES = (remove_lock, replace_lock, move, remove, put_a_fifo, put_a_link)


@pytest.mark.parametrize("change", CHANGES)
def test_a_lock_that_is_not_at_its_path_is_lost(
    study: Path, change: Callable[[Path], None]
) -> None:
    """Another search could have begun there, and both would write."""
    lock = acquired(study)
    with lock.writing():
        pass
    change(study)
    raises = pytest.raises(StudyLockedError, match="this search has locked")
    with raises as raised, lock.writing():
        pytest.fail("it wrote")
    assert "Then run this one again" in str(raised.value)
    with pytest.raises(StudyLockedError):
        lock.glance()
    lock.release()


@pytest.mark.parametrize("change", [remove_lock, move, remove])
def test_the_loser_is_told_who_is_there_now(
    study: Path, change: Callable[[Path], None]
) -> None:
    """Nobody would know which of two searches goes on."""
    lock = acquired(study)
    change(study)
    study.mkdir(exist_ok=True)
    other = acquired(study)
    with pytest.raises(StudyLockedError, match=f"another is there .*pid {os.getpid()}"):
        lock.glance()
    lock.release()
    with other.writing():
        pass
    other.release()


def test_who_takes_a_lock_waits_for_a_write_under_way(study: Path) -> None:
    """What the old search makes durable at that moment would be missing in the new one."""
    old, new = acquired(study), StudyLock(str(study))
    told: list[str] = []

    def take() -> None:
        new.acquire()
        told.append("taken")

    taker = threading.Thread(target=take)
    with old.writing():
        (study / "lock").unlink()
        taker.start()
        while not (study / "lock").exists():
            pass
        taker.join(0.1)
        told.append("written")
    taker.join(30)
    assert told == ["written", "taken"]
    with pytest.raises(StudyLockedError), old.writing():
        pytest.fail("it wrote")
    old.release()
    new.release()


def test_a_search_stopped_in_the_middle_of_a_write_is_not_waited_for_long(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one would hang without a word."""
    monkeypatch.setattr(kernel_lock, "_PATIENCE_S", 0.05)
    old = acquired(study)
    with old.writing():
        (study / "lock").unlink()
        with pytest.raises(StudyLockedError, match="in the middle of writing"):
            acquired(study)
    old.release()


def test_without_locks_on_directories_it_looks_again_after_writing(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On NFS, people would be told of a result that the next search does not have."""
    monkeypatch.setattr(
        kernel_lock.fcntl, "flock", _not_for_directories(kernel_lock.fcntl.flock)
    )
    lock = acquired(study)
    with lock.writing():
        pass
    with pytest.raises(StudyLockedError), lock.writing():
        (study / "lock").unlink()
    lock.release()


def _not_for_directories(
    flock: Callable[[int, int], None],
) -> Callable[[int, int], None]:
    def flock_as_nfs(descriptor: int, operation: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(9, "Bad file descriptor")
        flock(descriptor, operation)

    return flock_as_nfs


def link(path: Path) -> None:
    path.symlink_to(path.parent.parent / "victim")


def dangle(path: Path) -> None:
    path.symlink_to(path.parent / "nothing")


def hard_link(path: Path) -> None:
    os.link(path.parent.parent / "victim", path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def make_device(path: Path) -> None:
    try:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 3))  # As /dev/null.
    except PermissionError:
        pytest.skip("making devices takes root's rights")


FOREIGN = {
    "a symbolic link": link,
    "a symbolic": dangle,
    "hard links": hard_link,
    "a directory": Path.mkdir,
    "a FIFO": os.mkfifo,
    "a socket": make_socket,
    "a device": make_device,
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_plain_file_is_not_touched(study: Path, what: str) -> None:
    """A link would have its target emptied; a FIFO would stop the search for ever."""
    victim = study.parent / "victim"
    victim.write_text("precious")
    FOREIGN[what](study / "lock")
    with pytest.raises(StorageError, match=f"Received: .*{what}.*Remove it"):
        acquired(study)
    assert victim.read_text() == "precious"
    assert os.listdir(study) == ["lock"]


def test_read_only_directory_is_explained(mount: Mount) -> None:
    """Nobody would be told to choose another directory."""
    with pytest.raises(StorageError, match="choose another study directory"):
        acquired(mount("ro"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_lock_of_another_user_is_explained(study: Path) -> None:
    """A bare PermissionError would not say what to do."""
    (study / "lock").touch(0o000)
    with pytest.raises(StorageError, match="Make it writable for this user"):
        acquired(study)
