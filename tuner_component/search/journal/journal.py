"""An append-only sequence of records that survives every crash, on any filesystem.

The journal keeps records, durably and in order; `history` folds them into what happened;
the ledger, in `search/oracle`, writes what an oracle does as such records.

On a local filesystem a commit is appended to a file, the `segment` of this run, and
synced. That is as fast as the files that earlier releases wrote over in place, of which
many were needed, and several times as fast as a new file for each commit
(benchmarks/results/journal_commits.txt). A tail that a crash tears held nothing that
anyone was told.

Each block tells what all records before it add up to, and a mark beside the journal where
it ends (`journal_end`): so a lost end is missed. `journal_reading` reads the files, and
`journal_order` puts their records in order.

On a URI, where nothing can be appended, each commit is a new file, written whole. Every
`merge_after` commits, they are merged into one segment: a journal of thousands of small
objects would take minutes to read. A crash between writing the segment and deleting the
files it replaces leaves records twice; they are numbered, and readers take each once.

Only one search at a time writes. Where a store writes on condition, it sees to that: see
`numbered_commits`. Elsewhere one that was stopped in the middle of a commit may write it
when another has taken over. So each run has a number, which its blocks tell, and files of
its own: what is late lies beside what the newer run has committed, and is not used.
"""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from tuner_component.search.errors import StorageError
from tuner_component.search.journal import (
    journal_end,
    journal_file,
    journal_order,
    numbered_commits,
)
from tuner_component.search.journal.journal_end import End, EndMark
from tuner_component.search.journal.journal_file import Block, DamagedFileError
from tuner_component.search.journal.journal_order import Stored
from tuner_component.search.journal.journal_reading import JournalFiles
from tuner_component.search.journal.numbered_commits import NumberedCommits
from tuner_component.search.storage import conditional, faults, files, plain

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

# Where a segment is full and the next is started. Some local paths are object stores
# underneath, which write a file anew as a whole when it is appended to.
_SEGMENT_BYTES = 1 << 20

_AT_THE_END = " (the last ones; if this is a copy, they may be younger than the copy)"

_CONTRADICTS = "its records contradict those of the other files"
_LATE = (
    "it was written late, by a run of the search that another one had replaced; nobody "
    "was told of these results"
)

# Makes contexts. What is written within is this writer's to write; to enter, to leave, or
# to call what entering returns raises where it is not.
Writing = Callable[[], contextlib.AbstractContextManager[Callable[[], None]]]

_UNGUARDED = contextlib.nullcontext(lambda: None)

_log = logging.getLogger(__name__)


class Journal:
    """The records of one study, in order.

    Opening reads every file. What is cut short, foreign or unreadable is moved to
    `quarantine/` with a warning; all other records are used, also those behind a gap. At
    most one writer may have a journal open: see `StudyLock`.

    Attributes:
        missing: First and last number of records that are gone, at the end too.
        is_right: False if records are there in place of others that were committed.
    """

    def __init__(
        self,
        directory: str,
        owner: str = "",
        *,
        merge_after: int = 64,
        read_only: bool = False,
        end: End | None = None,
        gone_without: Collection[tuple[int, int]] = (),
        is_new: bool = True,
        store: conditional.Store | None = None,
    ) -> None:
        """Opens the journal, creating its directory if need be.

        Args:
            directory: Path or URI; only the journal's files belong in it. Beside it, as
                `<directory>.end`, lies the mark of its end.
            owner: Name of the study; files that name another are foreign.
            merge_after: Number of commits that are merged into one segment on a URI.
            read_only: Touch nothing, not even to set a damaged file aside.
            end: What must be there at least, if that is known from elsewhere; otherwise
                the mark tells.
            gone_without: Of `missing`, what nobody has to be warned of: the search was
                finished without it.
            is_new: Whether nothing need be there yet. What is read only was written.
            store: Of the URI, if it writes on condition.

        Raises:
            StudyLockedError: Another search writes there.
            StudyVersionError: A newer release wrote a file in it; nothing was touched.
            StorageError: The directory cannot be created or listed.
        """
        self._directory = directory
        self._owner = owner
        self._merge_after = merge_after
        self._appends = not files.is_remote(directory)
        self._numbered = (
            None if store is None else NumberedCommits(directory, owner, store)
        )
        self._buffer: list[bytes] = []
        # What tells this run's files from others.
        self._token = journal_file.new_token()
        # The file that commits are appended to, and how far it is written.
        self._segment: str | None = None
        self._written = 0
        # Commits that have a file of their own, and that no segment has.
        self._unmerged: list[Stored] = []
        self._gone_without = gone_without
        self._is_new = is_new and not read_only
        self._mark = EndMark(f"{directory}.end", owner, store)
        self._end = End(0, journal_end.begin(owner))
        if not read_only:
            files.makedirs(directory)
        with plain.collector_paused():
            self._load(end, read_only)
        if not read_only:
            self._mark.start(self._end)

    @property
    def end(self) -> End:
        """Where the journal ends: with what was committed last."""
        return self._end

    def records(self) -> Iterator[dict[str, Any]]:
        """The records that were there when the journal was opened, in order.

        Each has its number, counted from 1, under `seq`.
        """
        for block in self._found:
            for number, record in enumerate(block.records(), start=block.first):
                # Who makes checksums may make something else of a record, too.
                told = record if isinstance(record, dict) else {"kind": None}
                told["seq"] = number
                yield told

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
        return self._end.records + len(self._buffer)

    def commit(self, writing: Writing = lambda: _UNGUARDED) -> None:
        """Makes everything buffered durable; all of it or none.

        Args:
            writing: See `StudyLock.writing`.

        Raises:
            StudyLockedError: Another search has taken over: says `writing`.
            StorageError: It could not be written. It stays buffered, and a later commit
                tries again.
        """
        if not self._buffer:
            with writing():
                return
        end = self._end
        block = Block(end.records + 1, tuple(self._buffer), end.chain, end.run)
        with writing() as require_right:
            faults.point(_COMMIT_BEFORE)
            written = self._write(block)
            faults.point(_COMMIT_AFTER)
            # What was written late ends here: it must not be marked, nor merged with what
            # is not late. From here on whoever takes over has read it.
            require_right()
            chain = journal_end.follow(block.before, block.lines)
            self._end = End(block.last, chain, end.run)
            self._buffer.clear()
            self._unmerged += written
            self._mark.renew(self._end)
            # Not at every commit from then on: a merge that fails once may fail for long.
            if not self._appends and len(self._unmerged) % self._merge_after == 0:
                self._try_to_merge()

    def claim(self, writing: Writing = lambda: _UNGUARDED) -> None:
        """Commits what is buffered so that no run before this one can commit any more.

        Does nothing where there is no store that writes on condition.

        Args:
            writing: See `StudyLock.writing`.

        Raises:
            StudyLockedError: Another search has committed since this one has read.
            StorageError: It could not be written.
        """
        if self._numbered is not None:
            self.append(numbered_commits.claim(self._token))
            self.commit(writing)

    def close(self) -> None:
        """Marks the end of what was committed; to be called while the lock is held."""
        self._mark.renew(self._end, at_once=True)

    def _write(self, block: Block) -> list[Stored]:
        """Makes a block durable; returns the files that are to be merged."""
        if self._numbered is not None:
            return self._numbered.write(block)
        if self._appends:
            self._append(block)
            return []
        return [(self._write_file(block), block)]

    def _append(self, block: Block) -> None:
        if self._segment is None or self._written > _SEGMENT_BYTES:
            self._segment = self._name("segment", block)
            self._written = 0
        data = journal_file.encode(self._owner, block, at=self._written)
        path = files.join(self._directory, self._segment)
        # Where a commit failed half-way, the next one overwrites what it left.
        files.append_bytes(path, data, at=self._written)
        self._written += len(data)

    def _write_file(self, block: Block) -> str:
        name = self._name("commit", block)
        path = files.join(self._directory, name)
        files.write_bytes(path, journal_file.encode(self._owner, block))
        return name

    def _name(self, kind: str, block: Block) -> str:
        return journal_file.file_name(kind, block.first, self._token)

    def _try_to_merge(self) -> None:
        """Merges; what fails here has lost nothing, and is tried again later."""
        try:
            self._merge()
        except (StorageError, DamagedFileError, FileNotFoundError) as error:
            _log.warning("Not merging commits of %s yet: %s", self._directory, error)

    def _merge(self) -> None:
        faults.point(_MERGE_BEFORE)
        names = {name for name, _ in self._unmerged}
        names -= numbered_commits.claims(self._unmerged)
        blocks = journal_file.join_blocks(block for _, block in self._unmerged)
        path = files.join(self._directory, self._name("segment", blocks[0]))
        files.write_bytes(path, journal_file.encode(self._owner, *blocks))
        # The originals are about to be deleted: see that the copy can be read.
        if journal_file.decode(self._owner, files.read_bytes(path)) != (blocks, ""):
            raise DamagedFileError(f"{path} cannot be read as it was written")
        faults.point(_MERGE_WRITTEN)
        # Who copies the files one by one may miss those that go now.
        self._mark.renew(self._end, at_once=True)
        self._unmerged = []
        self._remove(sorted(names))
        faults.point(_MERGE_AFTER)

    def _remove(self, commits: list[str]) -> None:
        """Deletes commits that a segment has."""
        for name in commits:
            files.remove(files.join(self._directory, name))
            faults.point(_MERGE_REMOVING)

    def _load(self, end: End | None, read_only: bool) -> None:
        """Reads what is there; says what is not, and which commits are to be merged."""
        unknown = ""
        is_marked = end is None
        if end is None:
            # First: a writer may go on while the files are read.
            end, unknown = self._mark.read()
        stored = JournalFiles(self._directory, self._owner, read_only=read_only)
        blocks = stored.read()
        found = journal_order.order(self._owner, blocks, end)
        self._found, self._unmerged = found.blocks, found.commits
        newest = max((block.run for _, block in blocks), default=0)
        if is_marked and end is not None and end.run < newest:
            unknown = (
                f"{self._directory}.end was written by an earlier run of the search"
            )
        last = newest if end is None else max(newest, end.run)
        self._end = dataclasses.replace(found.end, run=last + (not read_only))
        self.missing = tuple(found.missing)
        self.is_right = found.is_right
        stored.set_aside(found.strangers, _CONTRADICTS)
        stored.set_aside(found.late, _LATE)
        if not read_only:
            claims = numbered_commits.claims(blocks)
            self._remove([name for name in found.merged if name not in claims])
        self._report("" if self._is_new and not found.blocks else unknown)

    def _report(self, unknown: str) -> None:
        for first, last in self.missing:
            if (first, last) in self._gone_without:
                continue
            _log.warning(
                "Records %d to %d of the journal %s are lost%s. What other records tell "
                "of their trials is used.",
                first,
                last,
                self._directory,
                _AT_THE_END if last == self._end.records else "",
            )
        if not self.is_right:
            _log.warning(
                "The journal %s holds other records than were committed there: files of "
                "another study, or older ones, may have taken the place of its own.",
                self._directory,
            )
        if unknown:
            _log.warning(
                "Nobody can tell whether the last records of the journal %s are there: "
                "%s.",
                self._directory,
                unknown,
            )
