"""One driver per study: a lock that dies with its holder.

On a local filesystem the kernel keeps the lock (`flock`), so a crashed driver's lock is
free at once; a file beside it names the holder. Where there is no such lock (URIs, or a
mount that refuses), `lease.Lease` stands in.
"""

import contextlib
import errno
import fcntl
import json
import os
from typing import Any

from tuner_component.search.errors import StorageError, StudyLockedError
from tuner_component.search.storage import files
from tuner_component.search.study.lease import Lease
from tuner_component.search.study.owner import describe_owner, locked_message

# Descriptors of the locks this process holds. A child made by fork shares the lock, and
# would keep it after the death of its parent: it lets go of them when it begins.
_held: set[int] = set()

_NOT_SUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


class StudyLock:
    """The right to write to a study; held from `acquire` to `release`."""

    def __init__(self, directory: str, *, stale_after: float = 120.0) -> None:
        """Prepares the lock of a study.

        Args:
            directory: The study's directory; it exists.
            stale_after: Seconds without renewal after which a lease is taken over. Has
                no meaning where the kernel keeps the lock.
        """
        self._directory = directory
        self._stale_after = stale_after
        self._descriptor: int | None = None
        self._lease: Lease | None = None

    def acquire(self) -> None:
        """Takes the lock.

        Raises:
            StudyLockedError: Another driver holds it; the message names it.
            StorageError: The lock's file cannot be written.
        """
        if files.is_remote(self._directory) or not self._acquire_local():
            path = files.join(self._directory, "lease.json")
            lease = Lease(path, describe_owner(), stale_after=self._stale_after)
            lease.acquire()
            self._lease = lease

    def check(self) -> None:
        """Raises if the lock was lost; cheap, to be called before each commit.

        Raises:
            StudyLockedError: Another driver took a lease over, believing this one dead.
        """
        if self._lease is not None:
            self._lease.check()

    def release(self) -> None:
        """Gives the lock back; fine if it is not held."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        if self._descriptor is not None:
            _held.discard(self._descriptor)
            # Not only closed: a child in the middle of its fork may have it open, too.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None

    def _acquire_local(self) -> bool:
        """Takes the kernel's lock; False where the filesystem has none."""
        path = files.local_path(files.join(self._directory, "lock"))
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StorageError(
                f"Expected a study directory that can be written. Received: {error}. "
                "Make it writable for this user, or choose another study directory."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = _read_owner(descriptor)
            os.close(descriptor)
            if error.errno in _NOT_SUPPORTED:
                return False
            raise StudyLockedError(locked_message(self._directory, owner)) from error
        self._descriptor = descriptor
        _held.add(descriptor)
        with contextlib.suppress(OSError):  # A full disk must not cost the lock.
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(describe_owner()).encode(), 0)
        return True


def _read_owner(descriptor: int) -> dict[str, Any]:
    try:
        owner = json.loads(os.pread(descriptor, 4096, 0))
    except (OSError, ValueError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _close_in_child() -> None:
    for descriptor in _held:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)
