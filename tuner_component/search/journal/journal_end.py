"""Where a journal ends: how many records it has, and what they add up to.

A journal that lost its last records looks whole. So its end is known in a second place:
in the description of a finished study, and while the search runs in a mark beside the
journal, which is renewed after each commit.

The mark is never ahead of the journal. It may be behind: it is not forced to disk, as that
would take as long as the commit itself, and in a bucket it is renewed once a second at
most. So what it tells is the least that must be there, and a crash between a commit and its
mark is no loss. A search that was replaced by another one, and does not know it yet, may
write an older mark over a newer one; the mark's run shows it. (Not where a store writes on
condition: there it is refused, and so that search learns of it.)
"""

import hashlib
import json
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tuner_component.search.errors import StorageError
from tuner_component.search.storage import conditional, files

# A mark is written over the one before, which it must not be shorter than.
_MARK_BYTES = 256
_DIGITS = 32
# Buckets refuse to replace an object more often.
_REMOTE_INTERVAL_S = 1.0
# A reader may meet a writer in the middle of its write.
_LOOKS = 5

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class End:
    """The end of a journal.

    Attributes:
        records: Number of the last record; 0 for an empty journal.
        chain: A checksum over all records up to that one: see `follow`.
        run: Number of the run that tells it; 0 if that is not known.
    """

    records: int
    chain: str
    run: int = 0

    @classmethod
    def of(cls, content: Any) -> "End | None":
        """The end that plain data tells; None if it tells none."""
        if not isinstance(content, dict):
            return None
        records, chain = content.get("records"), content.get("chain")
        run = content.get("run", 0)
        if type(records) is not int or records < 0 or not isinstance(chain, str):
            return None
        return cls(records, chain, run) if type(run) is int else None

    def told(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"records": self.records, "chain": self.chain, "run": self.run}


def begin(owner: str, number: int = 0) -> str:
    """The chain of a journal without records, or behind a gap that ends its chain.

    Args:
        owner: Name of the study: each has a chain of its own.
        number: Number of the last record that is missing.
    """
    return hashlib.sha256(f"{owner} {number}".encode()).hexdigest()[:_DIGITS]


def follow(chain: str, lines: Iterable[bytes]) -> str:
    """The chain with further records: two journals with the same one are the same."""
    for line in lines:
        chain = hashlib.sha256(chain.encode() + line).hexdigest()[:_DIGITS]
    return chain


class EndMark:
    """The file beside a journal that tells where it ends."""

    def __init__(
        self, path: str, owner: str, store: conditional.Store | None = None
    ) -> None:
        """Prepares the mark of a journal.

        Args:
            path: Path or URI of the file; its directory exists before it is written.
            owner: Name of the study.
            store: Of the URI, if it writes on condition.
        """
        self._path = path
        self._file = conditional.File(path, store)
        self._owner = owner
        self._owner_text = json.dumps(owner)
        self._is_remote = files.is_remote(path)
        self._last_s = float("-inf")

    def read(self) -> tuple[End | None, str]:
        """The end, None if the mark does not tell it; and then why.

        Raises:
            StorageError: A remote filesystem cannot be read.
        """
        why = ""
        for _ in range(_LOOKS):
            try:
                data = self._file.read()
            except FileNotFoundError:
                return None, f"{self._path} is missing (earlier releases wrote none)"
            except StorageError as error:
                if self._is_remote:
                    raise  # The connection failed: the mark may be as it was.
                return None, str(error)
            end, why = self._decode(data)
            if end is not None:
                break
        return end, why

    def start(self, end: End) -> None:
        """Makes the file, durably; a failure is a warning.

        Raises:
            RefusedError: Another search has written it since this one has.
        """
        self._try(lambda: self._file.write(self._encode(end)))

    def renew(self, end: End, *, at_once: bool = False) -> None:
        """Tells the end after a commit; a failure is a warning.

        Args:
            end: Of what is durable.
            at_once: Also in a bucket where it was renewed a moment ago.

        Raises:
            RefusedError: Another search has written it since this one has.
        """
        if not self._is_remote:
            self._try(lambda: files.overwrite_bytes(self._path, self._encode(end)))
            return
        now = time.monotonic()
        if at_once or now - self._last_s >= _REMOTE_INTERVAL_S:
            self._last_s = now
            self.start(end)

    def _try(self, write: Any) -> None:
        try:
            write()
        except StorageError as error:
            # The records are durable: no search has to end for this.
            _log.warning("The end of the journal is not marked. %s", error)

    def _encode(self, end: End) -> bytes:
        # As `json` writes it, in a tenth of the time: this is done at each commit. First
        # sorted, for its checksum: see `_checksum`.
        chain, run = json.dumps(end.chain), end.run
        owner = f'"journal": {self._owner_text}'
        told = f'{{"chain": {chain}, {owner}, "records": {end.records}, "run": {run}}}'
        sha256 = hashlib.sha256(told.encode()).hexdigest()
        told = (
            f'{{{owner}, "records": {end.records}, "chain": {chain}, "run": {run}, '
            f'"sha256": "{sha256}"}}'
        )
        return told.encode().ljust(_MARK_BYTES - 1) + b"\n"

    def _decode(self, data: bytes) -> tuple[End | None, str]:
        try:
            content = json.loads(data)
            checksum = content.pop("sha256")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None, f"{self._path} is damaged"
        if checksum != _checksum(content):
            return None, f"{self._path} is damaged"
        if content.get("journal") != self._owner:
            return None, f"{self._path} belongs to another study"
        end = End.of(content)
        return end, "" if end is not None else f"{self._path} is damaged"


def _checksum(content: Any) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
