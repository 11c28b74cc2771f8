"""A lock where the filesystem has none: a file that its holder keeps renewing.

Object stores offer neither locks nor exclusive creation, so this is the best they allow:
last writer wins, everybody looks again before believing, and a holder that was overtaken
notices before its next commit.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any

from tuner_component.search.errors import StorageError, StudyLockedError
from tuner_component.search.storage import files
from tuner_component.search.study.owner import is_dead, is_here, locked_message

# Between writing the file and believing it, in which a rival's write would show.
SETTLE_S = 1.0

_log = logging.getLogger(__name__)


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
            owner: Who asks, for the message that others get to see.
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

        Whoever holds it elsewhere may have died a moment ago, as a pod does that is
        evicted and started again: this waits until it renews the lease, or must have.

        Raises:
            StudyLockedError: Somebody holds it, or asked at the same time and won.
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
            raise StudyLockedError(locked_message(self._path, found))
        self._renewer = threading.Thread(
            target=self._keep, name="study-lease", daemon=True
        )
        self._renewer.start()

    def check(self) -> None:
        """Raises if the lease is, or may be, somebody else's by now.

        Raises:
            StudyLockedError: It was taken over, or went unrenewed for too long.
        """
        if self._usurper is not None:
            raise StudyLockedError(locked_message(self._path, self._usurper))
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
        if not is_here(other):
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
            raise StudyLockedError(locked_message(self._path, found))

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
        began = time.monotonic()
        content = {**self._mine, "renewed": time.time()}
        files.write_bytes(self._path, json.dumps(content).encode())
        self._renewed_at = began

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(files.read_bytes(self._path))
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _is_stale(self, other: Mapping[str, Any]) -> bool:
        renewed = other.get("renewed")
        if is_dead(other) or not isinstance(renewed, (int, float)):
            return True
        return time.time() - renewed > self._stale_after
