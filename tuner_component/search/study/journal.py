"""An append-only sequence of records that survives every crash, on any filesystem.

The journal keeps records, durably and in order; `history` folds them into what happened;
the ledger, in `search/oracle`, writes what an oracle does as such records.

On a local filesystem a commit is appended to a file, the `segment` of this run, and
synced. That is as fast as the files that earlier releases wrote over in place, of which
many were needed, and several times as fast as a new file for each commit
(benchmarks/results/journal_commits.txt). A tail that a crash tears held nothing that
anyone was told.

On a URI, where nothing can be appended, each commit is a new file, written whole. Every
`merge_after` commits, they are merged into one segment: a journal of thousands of small
objects would take minutes to read. A crash between writing the segment and deleting the
files it replaces leaves records twice; they are numbered, and readers take each once.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tuner_component.search.errors import StorageError
from tuner_component.search.storage import faults, files, plain
from tuner_component.search.study import journal_file
from tuner_component.search.study.journal_file import Block, DamagedFileError

QUARANTINE = "quarantine"

_COMMIT_BEFORE = faults.declare(
    "journal.commit.before", "records are buffered, their file is not written"
)
_COMMIT_AFTER = faults.declare(
    "journal.commit.after", "records are durable, no one has acted on them"
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
# Where a segment is full and the next is started. Some local paths are object stores
# underneath, which write a file anew as a whole when it is appended to.
_SEGMENT_BYTES = 1 << 20

_log = logging.getLogger(__name__)


class Journal:
    """The records of one study, in order.

    Opening reads every file. What is cut short, foreign or unreadable is moved to
    `quarantine/` with a warning; all other records are used, also those behind a gap. At
    most one writer may have a journal open: see `StudyLock`.
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
            merge_after: Number of commits that are merged into one segment on a URI.
            read_only: Touch nothing, not even to set a damaged file aside.

        Raises:
            StudyVersionError: A newer release wrote a file in it; nothing was touched.
            StorageError: The directory cannot be created or listed.
        """
        self._directory = directory
        self._owner = owner
        self._merge_after = merge_after
        self._read_only = read_only
        self._appends = not files.is_remote(directory)
        self._buffer: list[bytes] = []
        # The file that commits are appended to, and how far it is written.
        self._segment: str | None = None
        self._written = 0
        self._newest_segment = 0
        if not read_only:
            files.makedirs(directory)
        # Commits that have a file of their own, and that no segment has.
        self._unmerged: list[tuple[str, Block]] = []
        with plain.collector_paused():
            self._found = self._load()
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
        """Makes everything buffered durable; all of it or none.

        Raises:
            StorageError: It could not be written. It stays buffered, and a later commit
                tries again.
        """
        if not self._buffer:
            return
        block = Block(self._next, tuple(self._buffer))
        faults.point(_COMMIT_BEFORE)
        if self._appends:
            self._append_to_segment(block)
        else:
            self._write_file(block)
        faults.point(_COMMIT_AFTER)
        self._next = block.last + 1
        self._buffer.clear()
        # Not at every commit from then on: a merge that fails once may fail for long.
        if not self._appends and len(self._unmerged) % self._merge_after == 0:
            self._try_to_merge()

    def _append_to_segment(self, block: Block) -> None:
        if self._segment is None or self._written > _SEGMENT_BYTES:
            self._newest_segment = self._new_segment(block)
            self._segment = journal_file.file_name("segment", self._newest_segment)
            self._written = 0
        data = journal_file.encode(self._owner, block)
        path = files.join(self._directory, self._segment)
        # Where a commit failed half-way, the next one overwrites what it left.
        files.append_bytes(path, data, at=self._written)
        self._written += len(data)

    def _write_file(self, block: Block) -> None:
        name = journal_file.file_name("commit", block.first)
        path = files.join(self._directory, name)
        files.write_bytes(path, journal_file.encode(self._owner, block))
        self._unmerged.append((name, block))

    def _new_segment(self, block: Block) -> int:
        """A number that no file has: nothing an earlier run wrote is written over."""
        return max(block.first, self._newest_segment + 1)

    def _try_to_merge(self) -> None:
        """Merges; what fails here has lost nothing, and is tried again later."""
        try:
            self._merge()
        except (StorageError, DamagedFileError, FileNotFoundError) as error:
            _log.warning("Not merging commits of %s yet: %s", self._directory, error)

    def _merge(self) -> None:
        faults.point(_MERGE_BEFORE)
        names = [name for name, _ in self._unmerged]
        blocks = journal_file.join_blocks(block for _, block in self._unmerged)
        number = self._new_segment(blocks[0])
        path = files.join(self._directory, journal_file.file_name("segment", number))
        data = b"".join(journal_file.encode(self._owner, block) for block in blocks)
        files.write_bytes(path, data)
        # The originals are about to be deleted: see that the copy can be read.
        if journal_file.decode(self._owner, files.read_bytes(path)) != (blocks, ""):
            raise DamagedFileError(f"{path} cannot be read as it was written")
        faults.point(_MERGE_WRITTEN)
        self._newest_segment = number
        self._unmerged = []
        self._remove(names)
        faults.point(_MERGE_AFTER)

    def _remove(self, commits: list[str]) -> None:
        """Deletes commits that a segment has."""
        for name in commits:
            files.remove(files.join(self._directory, name))
            faults.point(_MERGE_REMOVING)

    def _load(self) -> list[Block]:
        """Reads what is there; says which commits are still to be merged."""
        found: list[Block] = []
        merged: list[str] = []
        expected = 1
        # By number, whatever the file. Of two blocks that begin alike, the longer is the
        # later merge.
        stored = sorted(self._read_all(), key=lambda s: (s[1].first, -s[1].last))
        for name, block in stored:
            is_commit = name.startswith("commit")
            if block.last < expected:
                if is_commit:
                    merged.append(name)
                continue
            if block.first > expected:
                self._report_gap(expected, block.first - 1)
            skipped = max(0, expected - block.first)
            found.append(Block(block.first + skipped, block.lines[skipped:]))
            if is_commit:
                self._unmerged.append((name, found[-1]))
            expected = block.last + 1
        if not self._read_only:
            self._remove(merged)
        return journal_file.join_blocks(found)

    def _read_all(self) -> list[tuple[str, Block]]:
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
        return stored

    def _read_once(self) -> tuple[list[tuple[str, Block]], dict[str, "_Damage"]]:
        """One look at every file, beside a writer that may be at work.

        The order of the two passes must stay. A merge writes its segment before it
        deletes the commits: so what is no longer among the commits is in a segment by
        the time that segments are listed. The other way round, records would be missed.
        Within a segment, and from one to the next, records are written in their order;
        so a reader that is overtaken lacks none but the last.
        """
        stored: list[tuple[str, Block]] = []
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
        parsed = journal_file.parse_name(name)
        if parsed is None:
            return [], _Damage("no journal writes files of that name")
        kind, number = parsed
        if kind == "segment":
            self._newest_segment = max(self._newest_segment, number)
        try:
            data = _content(files.join(self._directory, name))
            if kind == "slot":
                return [journal_file.decode_slot(self._owner, data)], None
        except DamagedFileError as error:
            return [], _Damage(str(error))
        blocks, reason = journal_file.decode(self._owner, data)
        return blocks, _Damage(reason, data, tuple(blocks)) if reason else None

    def _handle(self, name: str, damage: "_Damage") -> None:
        """Moves a damaged file to the quarantine; what is sound of it stays."""
        source = files.join(self._directory, name)
        if name.startswith(".") and name.endswith(files.TEMPORARY_SUFFIX):
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
                blocks = (journal_file.encode(self._owner, b) for b in damage.sound)
                files.write_bytes(source, b"".join(blocks))
            else:
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
