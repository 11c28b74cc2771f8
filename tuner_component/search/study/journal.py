"""An append-only sequence of records that survives every crash, on any filesystem.

Each commit is one file. Every `merge_after` commits, the files are merged into one
segment file, so that the cost of a commit does not grow and a long journal stays quick
to read. A crash between writing the segment and giving up the files it replaces leaves
records twice; they are numbered, and readers take each number once.

On a URI each commit is a new file, written whole. On a local filesystem commits go into
slots: files that are made once and written over in place, which is three times as fast.
A slot that is torn by a crash held nothing that anybody was told, or what a segment has.
"""

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from tuner_component.search.errors import StorageError
from tuner_component.search.storage import faults, files
from tuner_component.search.study import journal_file
from tuner_component.search.study.journal_file import Block, DamagedFileError

QUARANTINE = "quarantine"

_COMMIT_BEFORE = faults.declare(
    "journal.commit.before", "records are buffered, their file is not written"
)
_COMMIT_AFTER = faults.declare(
    "journal.commit.after", "records are durable, nobody has acted on them"
)
_MERGE_BEFORE = faults.declare(
    "journal.merge.before", "commits are due to be merged, no segment is written"
)
_MERGE_WRITTEN = faults.declare(
    "journal.merge.written", "a segment is durable beside the commits it replaces"
)
_MERGE_REMOVING = faults.declare(
    "journal.merge.removing", "some of the files that a segment replaces are gone"
)
_MERGE_AFTER = faults.declare(
    "journal.merge.after", "a segment has replaced its commits"
)

# How often a reader looks again at files that a writer may be writing at that moment.
_LOOKS = 5
# Room for the records of a trial that begins or ends; a slot grows if it must.
_SLOT_BYTES = 4096

_log = logging.getLogger(__name__)


class Journal:
    """The records of one study, in order.

    Opening reads every file. One that is cut short, foreign or unreadable is moved to
    `quarantine/` with a warning; the records of all others are used, also those behind
    a gap. At most one writer may have a journal open: see `StudyLock`.
    """

    def __init__(
        self,
        directory: str,
        owner: str = "",
        *,
        merge_after: int = 64,
        read_only: bool = False,
    ) -> None:
        """Opens the journal, creating its directory if need be.

        Args:
            directory: Path or URI; only the journal's files belong in it.
            owner: Name of the study; files that name another are foreign.
            merge_after: Number of commits that are merged into one segment.
            read_only: Touch nothing, not even to set a damaged file aside.

        Raises:
            StudyVersionError: A newer release wrote a file in it; nothing was touched.
            StorageError: The directory cannot be created or listed.
        """
        self._directory = directory
        self._owner = owner
        self._merge_after = merge_after
        self._read_only = read_only
        self._buffer: list[bytes] = []
        self._has_slots = not files.is_remote(directory)
        self._slots = 0
        self._free: deque[str] = deque()
        if not read_only:
            files.makedirs(directory)
        self._found, self._unmerged = self._load()
        self._next = self._found[-1].last + 1 if self._found else 1

    def records(self) -> Iterator[dict[str, Any]]:
        """The records that were there when the journal was opened, in order.

        Each has its number, counted from 1, under `seq`.
        """
        for block in self._found:
            for number, record in enumerate(block.records(), start=block.first):
                record["seq"] = number
                yield record

    def append(self, record: Mapping[str, Any]) -> int:
        """Buffers a record for the next commit.

        Args:
            record: JSON-compatible, without a key `seq`.

        Returns:
            The record's number.

        Raises:
            TypeError, ValueError: It is not JSON-compatible; nothing is buffered.
        """
        self._buffer.append(journal_file.dump(dict(record)))
        return self._next + len(self._buffer) - 1

    def commit(self) -> None:
        """Makes everything buffered durable, as one file; all of it or none.

        Raises:
            StorageError: It could not be written. It stays buffered, and a later commit
                tries again.
        """
        if not self._buffer:
            return
        block = Block(self._next, tuple(self._buffer))
        faults.point(_COMMIT_BEFORE)
        name = self._write_commit(block)
        faults.point(_COMMIT_AFTER)
        self._next = block.last + 1
        self._buffer.clear()
        self._unmerged.append((name, block))
        # Not at every commit from then on: a merge that fails once may fail for long.
        if len(self._unmerged) % self._merge_after == 0:
            self._try_to_merge()

    def close(self) -> None:
        """Deletes the slots that hold nothing of their own; others may follow."""
        while self._free:
            files.remove(files.join(self._directory, self._free.pop()))

    def _load(self) -> tuple[list[Block], list[tuple[str, Block]]]:
        """What is there, and those commits of it that are still to be merged."""
        found: list[Block] = []
        unmerged: list[tuple[str, Block]] = []
        free: list[str] = []
        expected = 1
        # Of two blocks that begin alike, the longer is the later merge.
        stored = sorted(self._read_all(), key=lambda s: (s[1].first, -s[1].last))
        for name, block in stored:
            kind, number = journal_file.parse_name(name)
            if kind == "slot":
                self._slots = max(self._slots, number + 1)
            if block.last < expected:
                free.append(name)
                continue
            if block.first > expected:
                self._report_gap(expected, block.first - 1)
                # What lies before a gap stays where it is, never merged nor reused.
                unmerged = []
            skipped = max(0, expected - block.first)
            fresh = Block(block.first + skipped, block.lines[skipped:])
            found.append(fresh)
            unmerged = [] if kind == "segment" else [*unmerged, (name, fresh)]
            expected = block.last + 1
        if not self._read_only:
            self._give_up(free)
        return found, unmerged

    def _read_all(self) -> list[tuple[str, Block]]:
        known_damage: dict[str, str] = {}
        for _ in range(_LOOKS):
            stored: list[tuple[str, Block]] = []
            damaged: dict[str, str] = {}
            # A writer may be at work. What it merges meanwhile is in a segment by the
            # time that its commit is gone: so segments are looked for afterwards. And
            # it fills slots upwards: who reads them downwards never finds a record
            # without those before it.
            for wanted in (False, True):
                for name in reversed(files.list_names(self._directory)):
                    if name.startswith("segment") == wanted and name != QUARANTINE:
                        self._read_one(name, stored, damaged)
            if not self._read_only or damaged == known_damage:
                break
            known_damage = damaged
        self._set_aside(damaged)
        return stored

    def _read_one(
        self, name: str, stored: list[tuple[str, Block]], damaged: dict[str, str]
    ) -> None:
        path = files.join(self._directory, name)
        if not journal_file.is_journals(name):
            damaged[name] = "no journal writes files of that name"
            return
        try:
            stored.append((name, journal_file.decode(self._owner, _content(path))))
        except FileNotFoundError:
            return  # A writer has merged it.
        except DamagedFileError as error:
            damaged[name] = str(error)

    def _set_aside(self, damaged: Mapping[str, str]) -> None:
        for name, reason in damaged.items():
            source = files.join(self._directory, name)
            if name.startswith(".") and name.endswith(files.TEMPORARY_SUFFIX):
                # A write under way or cut short; never trusted.
                if not self._read_only:
                    files.remove(source)
                continue
            if self._read_only:
                _log.warning("Ignoring %s in %s: %s.", name, self._directory, reason)
                continue
            shelter = files.join(self._directory, QUARANTINE)
            _log.warning("Setting %s aside, in %s: %s.", source, shelter, reason)
            try:
                files.makedirs(shelter)
                files.move(source, files.join(shelter, name))
            except (StorageError, FileNotFoundError) as error:
                _log.warning("Leaving %s where it is, unused: %s", source, error)

    def _report_gap(self, first: int, last: int) -> None:
        _log.warning(
            "Records %d to %d of the journal %s are lost. What other records tell of "
            "their trials is used.",
            first,
            last,
            self._directory,
        )

    def _try_to_merge(self) -> None:
        """Merges; what fails here has lost nothing, and is tried again later."""
        try:
            self._merge()
        except (StorageError, DamagedFileError, FileNotFoundError) as error:
            _log.warning("Not merging commits of %s yet: %s", self._directory, error)

    def _merge(self) -> None:
        faults.point(_MERGE_BEFORE)
        names = [name for name, _ in self._unmerged]
        segment = journal_file.join_blocks([block for _, block in self._unmerged])
        name = journal_file.file_name("segment", segment.first)
        path = files.join(self._directory, name)
        files.write_bytes(path, journal_file.encode(self._owner, segment))
        # The originals are about to go: see that the copy can be read.
        journal_file.decode(self._owner, files.read_bytes(path))
        faults.point(_MERGE_WRITTEN)
        self._unmerged = []
        self._give_up(names)
        faults.point(_MERGE_AFTER)

    def _give_up(self, names: list[str]) -> None:
        """Deletes commits that a segment has, or keeps their slots for others."""
        for name in names:
            if name.startswith("commit"):
                files.remove(files.join(self._directory, name))
                faults.point(_MERGE_REMOVING)
        slots = [name for name in names if name.startswith("slot")]
        # To be used in the order of their numbers: see `_read_all`.
        self._free = deque(sorted([*self._free, *slots]))

    def _write_commit(self, block: Block) -> str:
        """Makes a block durable; returns the name of its file."""
        data = journal_file.encode(self._owner, block)
        if not self._has_slots:
            name = journal_file.file_name("commit", block.first)
            files.write_bytes(files.join(self._directory, name), data)
            return name
        if not self._free:
            self._free.append(journal_file.file_name("slot", self._slots))
            self._slots += 1
        padded = data.ljust(_SLOT_BYTES, b"\n")
        files.overwrite_bytes(files.join(self._directory, self._free[0]), padded)
        return self._free.popleft()


def _content(path: str) -> bytes:
    try:
        return files.read_bytes(path)
    except StorageError as error:
        # A local file that cannot be read is as good as torn. On a remote filesystem
        # it is the connection that failed, and the file must not pay for it.
        if files.is_remote(path):
            raise
        raise DamagedFileError(str(error)) from error
