"""One driver per study, whatever happens to the names of its files.

On a local filesystem the kernel keeps the lock: see `kernel_lock`. Where there is no such
lock (URIs, or a mount that refuses), a lease stands in: see `lease`. Either is the
holder's, not the name's: before each commit the holder makes sure that it still has it.
"""

import contextlib
import dataclasses
from collections.abc import Callable

from tuner_component.search.lock import kernel_lock, owner
from tuner_component.search.lock.kernel_lock import KernelLock
from tuner_component.search.lock.lease import Lease
from tuner_component.search.storage import conditional, files, held, stores


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who works on a study, or was the last to.

    Attributes:
        name: In words.
        is_gone: Whether it is known that nobody does any more; False also where that
            cannot be seen from here.
    """

    name: str
    is_gone: bool


def holder(directory: str) -> Holder | None:
    """Who holds a study, or was the last to, without a touch of its lock.

    Args:
        directory: The study's directory.

    Returns:
        None if that is not known: the study was never opened, or has a lease.
    """
    if files.is_remote(directory):
        return None
    known = kernel_lock.signature(files.local_path(directory))
    return Holder(owner.name(known), owner.is_dead(known)) if known else None


class StudyLock:
    """The right to write to a study; held from `acquire` to `release`.

    Attributes:
        store: Where the holder writes on condition; None where there is no such store.
    """

    def __init__(self, directory: str, *, stale_after: float = 120.0) -> None:
        """Prepares the lock of a study.

        Args:
            directory: The study's directory; it exists.
            stale_after: Seconds without renewal after which a lease is taken over. Has
                no meaning where the kernel keeps the lock.
        """
        self._directory = directory
        self._stale_after = stale_after
        self._held: held.HeldDirectory | None = None
        self._lock: KernelLock | Lease | None = None
        self.store: conditional.Store | None = None

    def acquire(self) -> None:
        """Takes the lock.

        Raises:
            StudyLockedError: Another driver holds it; the message names it.
            StorageError: The lock's file cannot be written, or is none.
        """
        try:
            if not files.is_remote(self._directory):
                self._held = held.HeldDirectory(files.local_path(self._directory))
                self._lock = KernelLock.acquire(self._directory, self._held)
            if self._lock is None:
                self._lock = self._lease()
        except BaseException:
            self.release()
            raise

    def _lease(self) -> Lease:
        path = files.join(self._directory, "lease.json")
        self.store = stores.opened(self._directory)
        lease = Lease(
            path, owner.describe(), stale_after=self._stale_after, store=self.store
        )
        lease.acquire()
        try:
            lease.require_one_place()
        except BaseException:
            lease.release()
            raise
        return lease

    def glance(self) -> None:
        """Raises if the lock is known to be lost; never waits for a network.

        Raises:
            StudyLockedError: Another driver may have it, or the study is not there.
        """
        if self._lock is not None:
            self._lock.glance()
        if self._held is not None:
            files.require_place(self._directory)

    def writing(self) -> contextlib.AbstractContextManager[Callable[[], None]]:
        """What is written within is this holder's to write, or an error says it is not.

        Returns:
            A context. It has a function that raises where what was written so far may
            not have been this holder's to write; to leave it does the same.

        Raises:
            StudyLockedError: The lock was lost before, so nothing is written; or may
                have been meanwhile, so that nobody may be told of what was written.
            StorageError: That cannot be found out.
        """
        if self._lock is None:
            return contextlib.nullcontext(lambda: None)
        return self._lock.writing()

    def release(self) -> None:
        """Gives the lock back; fine if it is not held."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        if self._held is not None:
            self._held.release()
            self._held = None
