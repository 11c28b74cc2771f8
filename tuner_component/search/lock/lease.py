"""A lease: what stands in for a lock where the filesystem has none.

A lease is a file that its holder keeps changing. Where a store writes on condition (see
`storage.conditional`), it is taken and renewed as it was last seen: of several that ask
one gets it, and what is late is refused. Elsewhere the last writer wins. What is built on
that rests on these rules, and on no comparison of clocks. They hold everywhere: another
search may reach the same store without conditions.

- A lease is taken over when it has not changed for `stale_after` seconds of the taker's
  own monotonic clock, while the taker watched. One of a process on this machine is taken
  at once if that has died, and never as long as it lives.
- Who writes a lease waits for `SETTLE_S` and believes in it only if it then still is the
  one it wrote. So of several that write at a time, the last has it.
- Its holder writes nothing to the study unless it has seen within `CHECK_S` that the
  lease is still its own, and says of nothing that it is durable that took it until later
  than `SETTLE_S` after it had looked. So whoever has settled has read all that the holder
  before it made durable, and that one writes no more.
- A renewal that may have written over the lease of a successor ends the hold. (One on
  condition cannot have.)
"""

import contextlib
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from tuner_component.search.errors import SearchError, StorageError, StudyLockedError
from tuner_component.search.lock import owner as owner_lib
from tuner_component.search.storage import conditional, files

# Between writing a lease and believing it. Rivals are heard in it, and the holder before
# has noticed, and has ended what it was writing.
SETTLE_S = 5.0
# How old the knowledge may be, before a commit, that the lease is this holder's.
CHECK_S = 1.0

# Renewals come this often before a lease is late.
_RENEWALS = 4
# All leases are as long, padded with spaces. Some clients remember the length of an object
# for seconds, and would cut off a longer one that has taken its place.
_LENGTH = 512

# Linux' monotonic clock stands still while the machine sleeps; others have only one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_log = logging.getLogger(__name__)


class Lease:
    """The right to write beside `path`, as long as it is renewed."""

    def __init__(
        self,
        path: str,
        owner: Mapping[str, Any],
        *,
        stale_after: float = 120.0,
        store: conditional.Store | None = None,
    ) -> None:
        """Prepares a lease.

        Args:
            path: Path or URI of the lease's file; its directory exists.
            owner: Who asks, for the message that others see.
            stale_after: Seconds without a change after which others may take it over. A
                quarter of it lies between renewals.
            store: Of the URI, if it writes on condition.
        """
        self._path = path
        self._file = conditional.File(path, store)
        self._is_conditional = store is not None
        self._stale_after = stale_after
        self._mine = {**owner, "token": uuid.uuid4().hex}
        self._stop = threading.Event()
        self._renewer: threading.Thread | None = None
        self._renewals = 0
        # Not every filesystem replaces a file at once: nobody looks while it is written.
        self._mutex = threading.RLock()
        # By `_now`, each from before the call: when the lease was written,
        # and when it was last seen to be this holder's.
        self._renewed_at = 0.0
        self._seen_at = 0.0
        self._lost: str | None = None

    def acquire(self) -> None:
        """Takes the lease.

        A holder elsewhere may have died a moment ago, as a pod does that is evicted and
        started again: this waits until it renews the lease, or is late with it.

        Raises:
            StudyLockedError: Another holds it, or asked at the same time and won.
            StorageError: Its file cannot be read or written.
        """
        self._await_turn()
        try:
            self._write()
            self._stop.wait(SETTLE_S)
            self.look()
        except BaseException:  # Interrupted, say: nobody is to wait for this lease.
            self.release()
            raise
        self._renewer = threading.Thread(
            target=self._keep, name="study-lease", daemon=True
        )
        self._renewer.start()

    def glance(self) -> None:
        """Raises if the lease is known to be lost, without looking.

        Raises:
            StudyLockedError: It was taken over.
        """
        if self._lost is not None:
            raise StudyLockedError(self._lost)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Callable[[], None]]:
        """What is written within is this holder's to write: see `StudyLock.writing`."""
        self._require_right()
        yield self._require_right
        if _now() - self._seen_at > SETTLE_S:
            # Another may have settled by now, and have read the journal without it.
            self.look()

    def _require_right(self) -> None:
        self.glance()
        if _now() - self._seen_at > CHECK_S:
            self.look()

    def look(self) -> None:
        """Reads whether the lease is this holder's.

        Raises:
            StudyLockedError: It is not, and is lost for good.
            StorageError: It cannot be read.
        """
        self.glance()
        with self._mutex:
            at = _now()
            found = _parsed(self._read())
            if found.get("token") != self._mine["token"]:
                self._lose(found)
            self._seen_at = at

    def require_one_place(self) -> None:
        """Raises if the store is not the one that `files` reaches under the same URI.

        The client libraries have settings of their own for that. What is committed
        through the one would not be read through the other.

        Raises:
            StorageError: It is not.
        """
        seen: bytes | None = None
        with self._mutex:
            with contextlib.suppress(FileNotFoundError):
                seen = files.read_bytes(self._path)
            if seen == self._read():
                return
        raise StorageError(
            f"Expected TensorFlow to read {self._path} as it was just written. Received: "
            "something else, so TensorFlow and the store's own client library reach "
            "different servers. Unset what names a server for one of them only "
            "(STORAGE_EMULATOR_HOST, AWS_ENDPOINT_URL, S3_ENDPOINT, ...), then run the "
            "same search again."
        )

    def release(self) -> None:
        """Gives the lease back, if it still is this holder's."""
        self._stop.set()
        if self._renewer is not None:
            self._renewer.join()
        try:
            self.look()
            self._file.remove()
        except StudyLockedError:
            pass  # It is another's by now.
        except StorageError as error:
            _log.warning("The lease stays behind, and will be waited for: %s", error)

    def _await_turn(self) -> None:
        """Returns when nobody holds the lease; raises when somebody does."""
        content = self._read()
        if content is None:
            return
        holder = _parsed(content)
        if not owner_lib.is_dead(holder):
            if owner_lib.is_here(holder):
                raise StudyLockedError(owner_lib.locked_message(self._path, holder))
            self._watch(content, holder)
        _log.warning(
            "Taking over the lease %s of a search that does not renew it (%s).",
            *(self._path, owner_lib.name(holder)),
        )

    def _watch(self, content: bytes, holder: Mapping[str, Any]) -> None:
        """Returns when a lease was not renewed in time, or given back; else raises."""
        _log.warning(
            "%s is held by another search (%s), which may have died: waiting until it "
            "renews its lease, at most %.0f s. If you know that it has ended, remove that "
            "file to go on at once.",
            *(self._path, owner_lib.name(holder), self._stale_after),
        )
        # What others wrote there of the time is by their clock, which may be wrong.
        since = time.monotonic()
        while time.monotonic() - since <= self._stale_after:
            self._stop.wait(min(self._stale_after / 24, SETTLE_S))
            found = self._read()
            if found is None:
                return
            if found != content:
                message = owner_lib.locked_message(self._path, _parsed(found))
                raise StudyLockedError(message)

    def _keep(self) -> None:
        while not self._stop.wait(self._stale_after / _RENEWALS):
            try:
                self._renew()
            except StudyLockedError:
                return
            except SearchError as error:
                _log.warning("Cannot renew the lease %s: %s", self._path, error)

    def _renew(self) -> None:
        with self._mutex:
            self.look()
            seen, last = self._seen_at, self._renewed_at
            self._write()
        now = _now()
        # Nobody takes a lease over that was renewed in time; and nobody has settled who
        # took it over after it was seen to be this holder's.
        is_late = now - last > self._stale_after and now - seen > SETTLE_S
        if is_late and not self._is_conditional:
            self._lost = (
                f"Expected to renew {self._path} within {self._stale_after:.0f} s. "
                f"Received: no success for {now - last:.0f} s, so another search may "
                "hold the study. Run the search again: it goes on from what was "
                "committed."
            )
            raise StudyLockedError(self._lost)

    def _write(self) -> None:
        # From before the write: it may take long, and is seen before it returns.
        started = _now()
        self._renewals += 1
        content = {**self._mine, "renewed": time.time(), "renewals": self._renewals}
        data = json.dumps(content).encode().ljust(_LENGTH)
        with self._mutex:
            try:
                self._file.write(data)
            except conditional.RefusedError:
                self._lose(_parsed(self._read()))
            self._renewed_at = started

    def _read(self) -> bytes | None:
        try:
            return self._file.read()
        except FileNotFoundError:
            return None

    def _lose(self, found: Mapping[str, Any]) -> NoReturn:
        if found:
            self._lost = owner_lib.locked_message(self._path, found)
        else:
            self._lost = (
                f"Expected the lease {self._path} of this search to stay where it is. "
                "Received: it was removed, or moved away with its study, so another "
                "search may hold the study. This one stops. Run it again: it goes on "
                "from what was committed."
            )
        raise StudyLockedError(self._lost)


def _now() -> float:
    """Seconds by a clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


def _parsed(content: bytes | None) -> dict[str, Any]:
    """What a lease says; nothing if it is damaged or not there."""
    try:
        found = json.loads(content or b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
