"""The lock of a study that the kernel keeps: a crashed driver's is free at once.

A lock is on a file, and names can be taken from files: `lock` may be removed, the study's
directory moved away or removed, and another search may have begun at the same place. So
before each commit the holder looks whether the file that it has locked still is the one
at that path, and stops if it is not. As long as it writes it also locks the directory,
and so does, for a moment, whoever has taken the lock: a search that begins has everything
that the one before it made durable, and that one writes nothing after it.
"""

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import Any

from tuner_component.search.errors import StorageError, StudyLockedError
from tuner_component.search.lock import owner as owner_lib
from tuner_component.search.storage import held

NAME = "lock"

# How long another search may be in the middle of a commit.
_PATIENCE_S = 10.0
_AGAIN_S = 0.002

# Descriptors with locks that this process holds. A child made by fork shares the lock, and
# would keep it after the death of its parent: it lets go of them when it starts.
_locked: set[int] = set()

# EBADF: network filesystems lock only what is open for writing, so no directories.
_NOT_SUPPORTED = (
    errno.ENOLCK,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EINVAL,
    errno.EBADF,
)
# Nothing is followed, waited for (a FIFO) or made the terminal of this process.
_CAREFULLY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class KernelLock:
    """A lock that ends with the process that holds it.

    Args:
        directory: The study, for messages.
        path: Absolute path of the file that is locked.
        descriptor: That file, open and locked.
        place: The directory that it is in, open.
    """

    def __init__(
        self, directory: str, path: str, descriptor: int, place: "_Place"
    ) -> None:
        self._directory = directory
        self._path = path
        self._descriptor = descriptor
        self._place = place
        _locked.add(descriptor)

    @classmethod
    def acquire(cls, directory: str, where: held.HeldDirectory) -> "KernelLock | None":
        """Takes the kernel's lock; None where the filesystem has none.

        Raises:
            StudyLockedError: Another driver holds it, or took it at this moment.
            StorageError: The file to lock cannot be opened.
        """
        path = os.path.join(where.path, NAME)
        descriptor = _open(path, where.descriptor)
        if not _take(descriptor, directory):
            return None
        lock = cls(directory, path, descriptor, _Place(where))
        try:
            lock._sign()
            # A search that had another file of this name locked may be in the middle of
            # a commit. It ends that, and then sees this file.
            with lock._place.alone():
                lock.glance()
        except BaseException:
            lock.release()
            raise
        return lock

    @contextlib.contextmanager
    def writing(self) -> Iterator[Callable[[], None]]:
        """What is written within is this holder's to write: see `StudyLock.writing`."""
        with self._place.alone():
            self.glance()
            yield self._require_right
            self._require_right()

    def _require_right(self) -> None:
        if not self._place.can_be_locked:
            # Others could have taken the lock meanwhile.
            self.glance()

    def glance(self) -> None:
        """Raises if the file that is locked is not the one at its path.

        Raises:
            StudyLockedError: It is not.
            StorageError: The filesystem does not answer.
        """
        try:
            # Opened, not only looked at: network filesystems then ask their server.
            found = os.open(self._path, os.O_RDONLY | _CAREFULLY)
        except OSError as error:
            if error.errno not in held.GONE:
                raise StorageError(
                    f"Expected to look at {self._path}. Received: {error}. Mend that, "
                    "then run the same search again: it goes on from what was committed."
                ) from error
            raise StudyLockedError(self._lost("it is gone")) from error
        try:
            if not os.path.samestat(os.fstat(found), os.fstat(self._descriptor)):
                other = owner_lib.name(_read_owner(found))
                raise StudyLockedError(self._lost(f"another is there ({other})"))
        finally:
            os.close(found)

    def release(self) -> None:
        """Gives the lock back."""
        _unlock(self._descriptor)
        os.close(self._descriptor)
        self._place.close()

    def _sign(self) -> None:
        """Writes down who holds the lock."""
        with contextlib.suppress(OSError):  # A full disk must not cost the lock.
            written = os.pwrite(
                self._descriptor, json.dumps(owner_lib.describe()).encode(), 0
            )
            os.ftruncate(self._descriptor, written)

    def _lost(self, what: str) -> str:
        return (
            f"Expected {self._path} to be the file that this search has locked. "
            f"Received: {what}. It, or the whole study, was removed, moved or replaced "
            "while this search ran. This search stops, and has written nothing there "
            f"since. If you moved the study {self._directory}, move it back; if another "
            "search is at work there, wait for it to end, or stop it. Then run this one "
            "again: it goes on from what was committed."
        )


def signature(directory: str) -> dict[str, Any]:
    """Who signed the lock of a study last; empty if that cannot be told.

    The lock is only read: one who tried it would keep a search away for a moment.

    Args:
        directory: The study's, on this machine.
    """
    try:
        descriptor = os.open(os.path.join(directory, NAME), os.O_RDONLY | _CAREFULLY)
    except OSError:
        return {}
    try:
        return _read_owner(descriptor)
    finally:
        os.close(descriptor)


class _Place:
    """The directory of a lock, which is itself locked for moments.

    Attributes:
        can_be_locked: Whether its filesystem can do that.
    """

    def __init__(self, where: held.HeldDirectory) -> None:
        # Of its own: what is locked through a descriptor is locked for its copies, too.
        self._descriptor = os.open(
            os.curdir, os.O_RDONLY | os.O_DIRECTORY, dir_fd=where.descriptor
        )
        self._path = where.path
        self.can_be_locked = True
        _locked.add(self._descriptor)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Only one process at a time is within, if the filesystem can do that.

        Raises:
            StudyLockedError: Another is, and stays there.
        """
        until = time.monotonic() + _PATIENCE_S
        while self.can_be_locked:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise StudyLockedError(
                        f"Expected to write in {self._path} within {_PATIENCE_S:.0f} s. "
                        "Received: another search is in the middle of writing, or was "
                        "stopped there. Wait for it to end, or end it; then run this one "
                        "again."
                    ) from error
                time.sleep(_AGAIN_S)
            except OSError as error:
                if error.errno not in _NOT_SUPPORTED:
                    raise StorageError(
                        f"Expected to lock {self._path}. Received: {error}. Choose a "
                        "study directory on another filesystem."
                    ) from error
                self.can_be_locked = False
        try:
            yield
        finally:
            if self.can_be_locked:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Closes it."""
        _locked.discard(self._descriptor)
        os.close(self._descriptor)


def _open(path: str, place: int) -> int:
    """Opens the file to lock, making it if need be; changes nothing in it.

    A study may lie where others can write. What is not a plain file of this one name
    might be theirs, and is not touched.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            _require_plain(path, os.stat(NAME, dir_fd=place, follow_symlinks=False))
        descriptor = os.open(
            NAME, os.O_RDWR | os.O_CREAT | _CAREFULLY, 0o644, dir_fd=place
        )
    except OSError as error:
        raise StorageError(
            f"Expected a study directory that can be written. Received: {error}, for "
            f"{path}. Make it writable for this user, or choose another study directory."
        ) from error
    try:
        _require_plain(path, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _require_plain(path: str, status: os.stat_result) -> None:
    kind = _KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None and status.st_nlink > 1:
        kind = f"a file with {status.st_nlink} names (hard links)"
    if kind is not None:
        raise StorageError(
            f"Expected {path} to be a file of this study alone, which keeps other "
            f"searches away. Received: {kind}. Nothing was written through it. Remove "
            "it, then run the same search again."
        )


def _take(descriptor: int, directory: str) -> bool:
    """Locks a file, or closes it; False where the filesystem has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = _read_owner(descriptor)
        os.close(descriptor)
        if error.errno in _NOT_SUPPORTED:
            return False
        message = owner_lib.locked_message(directory, owner)
        raise StudyLockedError(message) from error
    return True


def _unlock(descriptor: int) -> None:
    # Not only closed: a child in the middle of its fork may have it open, too.
    _locked.discard(descriptor)
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def _read_owner(descriptor: int) -> dict[str, Any]:
    try:
        owner = json.loads(os.pread(descriptor, 4096, 0))
    except (OSError, ValueError, RecursionError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _close_in_child() -> None:
    for descriptor in _locked:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _locked.clear()


os.register_at_fork(after_in_child=_close_in_child)
