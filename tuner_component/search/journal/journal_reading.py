"""Reads the files of a journal, and sets aside what is damaged or foreign."""

import contextlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from tuner_component.search.errors import StorageError
from tuner_component.search.journal import journal_file
from tuner_component.search.journal.journal_file import Block, DamagedFileError
from tuner_component.search.journal.journal_order import Stored
from tuner_component.search.storage import files, local_files

QUARANTINE = "quarantine"

# How often a reader looks again at files that a writer may be writing at that moment.
_LOOKS = 5

_log = logging.getLogger(__name__)


class JournalFiles:
    """The files of a journal, as they are found."""

    def __init__(self, directory: str, owner: str, *, read_only: bool) -> None:
        """Reads nothing yet.

        Args:
            directory: Path or URI.
            owner: Name of the study; files that name another are foreign.
            read_only: Touch nothing, not even to set a damaged file aside.
        """
        self._directory = directory
        self._owner = owner
        self._read_only = read_only
        self._stored: list[Stored] = []

    def read(self) -> list[Stored]:
        """The sound blocks, each with the name of its file, in no particular order."""
        known_damage: dict[str, _Damage] = {}
        for _ in range(_LOOKS):
            stored, damaged = self._read_once()
            # A writer may be in the middle of a write; what stays damaged is damaged.
            if not self._read_only or damaged == known_damage:
                break
            known_damage = damaged
        for name, damage in damaged.items():
            self._handle(name, damage)
        self._stored = stored
        return stored

    def set_aside(self, strangers: Iterable[Stored], reason: str) -> None:
        """Moves blocks to the quarantine that cannot be used, although they are sound."""
        by_file: dict[str, list[Block]] = {}
        for name, block in strangers:
            by_file.setdefault(name, []).append(block)
        for name, blocks in by_file.items():
            others = [b for n, b in self._stored if n == name and b not in blocks]
            data = journal_file.encode(self._owner, *blocks)
            self._handle(name, _Damage(reason, data, tuple(others)))

    def _read_once(self) -> tuple[list[Stored], dict[str, "_Damage"]]:
        """One look at every file, beside a writer that may be at work.

        The order of the two passes must stay. A merge writes its segment before it
        deletes the commits: so what is no longer among the commits is in a segment by
        the time that segments are listed. The other way round, records would be missed.
        Within a segment, and from one to the next, records are written in their order;
        so a reader that is overtaken lacks none but the last.
        """
        stored: list[Stored] = []
        damaged: dict[str, _Damage] = {}
        for segments in (False, True):
            for name in files.list_names(self._directory):
                if name == QUARANTINE or name.startswith("segment") != segments:
                    continue
                try:
                    blocks, damage = self._read_file(name)
                except FileNotFoundError:
                    continue  # A writer has merged it.
                stored += [(name, block) for block in blocks]
                if damage:
                    damaged[name] = damage
        return stored, damaged

    def _read_file(self, name: str) -> tuple[list[Block], "_Damage | None"]:
        kind = journal_file.kind_of(name)
        path = files.join(self._directory, name)
        if kind is None:
            with contextlib.suppress(StorageError):
                journal_file.require_known_format(self._owner, files.read_bytes(path))
            return [], _Damage("no journal writes files of that name")
        try:
            data = _content(path)
            if kind == "slot":
                return [journal_file.decode_slot(self._owner, data)], None
        except DamagedFileError as error:
            return [], _Damage(str(error))
        blocks, reason = journal_file.decode(self._owner, data)
        return blocks, _Damage(reason, data, tuple(blocks)) if reason else None

    def _handle(self, name: str, damage: "_Damage") -> None:
        """Moves a damaged file to the quarantine; what is sound of it stays."""
        source = files.join(self._directory, name)
        if name.startswith(".") and name.endswith(local_files.TEMPORARY_SUFFIX):
            # A write under way or cut short; never trusted.
            if not self._read_only:
                files.remove(source)
            return
        part = "a part of " if damage.sound else ""
        if self._read_only:
            _log.warning(
                "Ignoring %s%s in %s: %s.", part, name, self._directory, damage.reason
            )
            return
        shelter = files.join(self._directory, QUARANTINE)
        _log.warning(
            "Setting %s%s aside, in %s: %s.", part, source, shelter, damage.reason
        )
        try:
            files.makedirs(shelter)
            if damage.sound:
                # First the copy: a crash between the two leaves the damage to be found.
                files.write_bytes(files.join(shelter, name), damage.data)
                files.write_bytes(
                    source, journal_file.encode(self._owner, *damage.sound)
                )
            else:
                files.move(source, files.join(shelter, name))
        except (StorageError, FileNotFoundError) as error:
            _log.warning("Leaving %s where it is, unused: %s", source, error)


@dataclass(frozen=True)
class _Damage:
    """What is wrong with a file: its content, and what of it is sound."""

    reason: str
    data: bytes = b""
    sound: tuple[Block, ...] = ()


def _content(path: str) -> bytes:
    try:
        return files.read_bytes(path)
    except StorageError as error:
        # A local file that cannot be read is as good as torn. On a remote filesystem
        # it is the connection that failed, and the file must not pay for it.
        if files.is_remote(path):
            raise
        raise DamagedFileError(str(error)) from error
