"""One driver at a time, by the kernel's lock or by the lease that stands in for it."""

import errno
import os
from pathlib import Path

import pytest

from tuner_component.search.errors import StudyLockedError
from tuner_component.search.lock import kernel_lock, lease
from tuner_component.search.lock.lock import StudyLock
from tuner_component.search.storage import files


def test_releasing_twice_is_fine(tmp_path: Path) -> None:
    """A second `close` would close somebody else's file."""
    lock = StudyLock(str(tmp_path))
    lock.acquire()
    lock.release()
    lock.release()
    lock.glance()


def test_a_mount_without_locks_has_a_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study there could not be opened, or by any number of searches."""
    _without_locks(monkeypatch)
    lock, other = StudyLock(str(tmp_path)), StudyLock(str(tmp_path))
    lock.acquire()
    assert "lease.json" in os.listdir(tmp_path)
    with pytest.raises(StudyLockedError, match=f"pid {os.getpid()}"):
        other.acquire()
    with lock.writing():
        pass
    lock.release()
    assert "lease.json" not in os.listdir(tmp_path)


def test_a_moved_study_has_no_lease_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old search would renew its lease in the directory of the new one."""
    _without_locks(monkeypatch)
    monkeypatch.setattr(lease, "CHECK_S", 0.0)
    study = tmp_path / "study"
    study.mkdir()
    lock = StudyLock(str(study))
    lock.acquire()
    study.rename(tmp_path / "moved")
    study.mkdir()
    with pytest.raises(StudyLockedError, match="to stay where it is"):
        lock.glance()
    raises = pytest.raises(StudyLockedError, match="was removed, or moved away")
    with raises, lock.writing():
        pytest.fail("it wrote")
    lock.release()
    assert os.listdir(study) == []


def test_a_failed_acquisition_holds_nothing(tmp_path: Path) -> None:
    """A second search of this process could not write where the first one failed."""
    (tmp_path / "study/lock").mkdir(parents=True)
    with pytest.raises(Exception, match="a directory"):
        StudyLock(str(tmp_path / "study")).acquire()
    (tmp_path / "study").rename(tmp_path / "moved")
    files.makedirs(str(tmp_path / "study"))


def _without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(kernel_lock.fcntl, "flock", refuse)
    monkeypatch.setattr(lease, "SETTLE_S", 0.01)
