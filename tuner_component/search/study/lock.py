"""One driver per study: the lock of its directory.

On a local filesystem the kernel keeps the lock (`flock`), so a crashed driver's lock is
free at once; a file beside it names the holder. Where there is no such lock (URIs, or a
mount that refuses), a lease stands in: a file that its holder keeps renewing. Object
stores offer neither locks nor exclusive creation, so that is the best they allow: the
last writer wins, each looks again before it believes, and a holder that was overtaken
notices before its next commit.
"""

import contextlib
import errno
import fcntl
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any

from tuner_component.search.errors import StorageError, StudyLockedError
from tuner_component.search.storage import files

# Between writing a lease and believing it, in which a rival's write would show.
SETTLE_S = 1.0

# Descriptors of the locks this process holds. A child made by fork shares the lock, and
# would keep it after the death of its parent: it lets go of them when it starts.
_held: set[int] = set()

_NOT_SUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)

_log = logging.getLogger(__name__)


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
            raise StudyLockedError(_locked_message(self._directory, owner)) from error
        self._descriptor = descriptor
        _held.add(descriptor)
        with contextlib.suppress(OSError):  # A full disk must not cost the lock.
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(describe_owner()).encode(), 0)
        return True


class Lease:
    """The right to write beside `path`, as long as it is renewed."""

    def __init__(
        self,
        path: str,
        owner: Mapping[str, Any],
        *,
        stale_after: float = 120.0,
    ) -> None:
        """Prepares a lease.

        Args:
            path: Path or URI of the lease's file; its directory exists.
            owner: Who asks, for the message that others see.
            stale_after: Seconds without renewal after which anyone may take it over. A
                quarter of it lies between renewals.
        """
        self._path = path
        self._stale_after = stale_after
        self._mine = {**owner, "token": uuid.uuid4().hex}
        self._stop = threading.Event()
        self._renewer: threading.Thread | None = None
        self._renewed_at = 0.0
        self._usurper: Mapping[str, Any] | None = None

    def acquire(self) -> None:
        """Takes the lease.

        A holder elsewhere may have died a moment ago, as a pod does that is evicted and
        started again: this waits until it renews the lease, or is late with it.

        Raises:
            StudyLockedError: Another holds it, or asked at the same time and won.
            StorageError: Its file cannot be written.
        """
        other = self._read()
        if other:
            if not self._is_stale(other):
                self._wait_for_sign_of(other)
            _log.warning("Taking over the lease %s of %s.", self._path, other)
        self._renew()
        self._stop.wait(SETTLE_S)
        found = self._read()
        if found.get("token") != self._mine["token"]:
            raise StudyLockedError(_locked_message(self._path, found))
        self._renewer = threading.Thread(
            target=self._keep, name="study-lease", daemon=True
        )
        self._renewer.start()

    def check(self) -> None:
        """Raises if the lease is, or may be, another's by now.

        Raises:
            StudyLockedError: It was taken over, or went unrenewed for too long.
        """
        if self._usurper is not None:
            raise StudyLockedError(_locked_message(self._path, self._usurper))
        silent = time.monotonic() - self._renewed_at
        if silent > self._stale_after:
            raise StudyLockedError(
                f"Expected to renew {self._path} within {self._stale_after:.0f} s. "
                f"Received: no success for {silent:.0f} s, so another search may hold "
                "the study. Run the search again: it goes on from what was committed."
            )

    def release(self) -> None:
        """Gives the lease back, if it still is this holder's."""
        self._stop.set()
        if self._renewer is not None:
            self._renewer.join()
        if self._read().get("token") == self._mine["token"]:
            files.remove(self._path)

    def _wait_for_sign_of(self, other: Mapping[str, Any]) -> None:
        """Returns when a holder has not renewed its lease in time; raises when it has."""
        if not _is_here(other):
            _log.warning(
                "%s is held by another search, which may have died: waiting until it "
                "renews its lease, at most %.0f s.",
                self._path,
                self._stale_after,
            )
            while self._read() == other:
                if self._is_stale(other):
                    return
                self._stop.wait(self._stale_after / 24)
        found = self._read()
        if found:
            raise StudyLockedError(_locked_message(self._path, found))

    def _keep(self) -> None:
        while not self._stop.wait(self._stale_after / 4):
            try:
                found = self._read()
                if found.get("token") not in (None, self._mine["token"]):
                    self._usurper = found
                    return
                self._renew()
            except StorageError as error:
                _log.warning("Cannot renew the lease %s: %s", self._path, error)

    def _renew(self) -> None:
        # From before the write: it may take long, and others count from its content.
        started = time.monotonic()
        content = {**self._mine, "renewed": time.time()}
        files.write_bytes(self._path, json.dumps(content).encode())
        self._renewed_at = started

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(files.read_bytes(self._path))
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _is_stale(self, other: Mapping[str, Any]) -> bool:
        renewed = other.get("renewed")
        if _is_dead(other) or not isinstance(renewed, (int, float)):
            return True
        return time.time() - renewed > self._stale_after


def describe_owner() -> dict[str, Any]:
    """This process: its host, process id, start of its hold, and process namespace."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "namespace": _namespace(),
    }


def _is_dead(owner: Mapping[str, Any]) -> bool:
    """Whether an owner is known to be gone; False where that cannot be seen from here.

    Process ids mean something only within one process namespace of one boot: elsewhere
    the same number is another process.
    """
    pid = owner.get("pid")
    if not _is_here(owner) or not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _is_here(owner: Mapping[str, Any]) -> bool:
    """Whether an owner's process, alive or dead, can be seen from here."""
    return bool(owner.get("namespace") == _namespace())


def _locked_message(directory: str, owner: Mapping[str, Any]) -> str:
    """What to tell a user whose study another search holds."""
    told = [f"{key} {owner[key]}" for key in ("host", "pid", "since") if key in owner]
    return (
        f"Expected to be the only search on the study {directory}. Received: it is held "
        f"by another ({', '.join(told) or 'unknown'}). Wait for that search to end, or "
        "stop it; then run this one again."
    )


def _namespace() -> str:
    parts = []
    with contextlib.suppress(OSError):
        with open("/proc/sys/kernel/random/boot_id") as file:
            parts.append(file.read().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts) if len(parts) == 2 else f"unknown {socket.gethostname()}"


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
