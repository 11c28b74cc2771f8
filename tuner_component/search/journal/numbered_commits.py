"""Commits where a store writes on condition: each number is given once.

A commit is a file that is named by the number of its first record and nothing else, and is
only written where there is none of that name. So of two searches that both believe that
the journal is theirs, one gets a number, and the other one learns that it has lost it,
however late it comes.

A run begins with a claim: it takes the number that the run before it would write next.
From there on that one can commit nothing. So the file of a claim stays, also when a
segment has its records.
"""

import dataclasses
from collections.abc import Iterable

from tuner_component.search.journal import journal_end, journal_file
from tuner_component.search.journal.journal_file import Block
from tuner_component.search.journal.journal_order import Stored
from tuner_component.search.storage import conditional, files

_KIND = "claim"


def claim(token: str) -> dict[str, str]:
    """The record of a claim; the token tells it from that of any other run."""
    return {"kind": _KIND, "token": token}


def claims(stored: Iterable[Stored]) -> set[str]:
    """Names of the files that hold claims, and have to stay."""
    begin = f'{{"kind":"{_KIND}",'.encode()
    return {
        name
        for name, block in stored
        if any(line.startswith(begin) for line in block.lines)
    }


class NumberedCommits:
    """Writes the commits of one run."""

    def __init__(self, directory: str, owner: str, store: conditional.Store) -> None:
        """Writes nothing yet.

        Args:
            directory: URI of the journal.
            owner: Name of the study.
            store: Of that URI.
        """
        self._directory = directory
        self._owner = owner
        self._store = store

    def write(self, block: Block) -> list[Stored]:
        """Makes a block durable, as one file or, after a failure, as several.

        Raises:
            RefusedError: Another run has committed under its number.
            StorageError: It could not be written, or nobody knows whether it was. It has
                to be tried again, with or without further records.
        """
        written: list[Stored] = []
        while True:
            name = journal_file.file_name("commit", block.first)
            done = self._write_file(files.join(self._directory, name), block)
            written.append((name, done))
            if len(done.lines) == len(block.lines):
                return written
            block = dataclasses.replace(
                block,
                first=done.last + 1,
                lines=block.lines[len(done.lines) :],
                before=journal_end.follow(block.before, done.lines),
            )

    def _write_file(self, path: str, block: Block) -> Block:
        """Writes a block; returns what of it is there."""
        data = journal_file.encode(self._owner, block)
        try:
            conditional.put(self._store, path, data, None)
        except conditional.RefusedError:
            if (earlier := self._begin_of(path, block)) is None:
                raise
            return earlier
        return block

    def _begin_of(self, path: str, block: Block) -> Block | None:
        """The beginning of a block, if a try that seemed to fail has written it.

        It must not be replaced by the whole: whoever takes over may have read it.
        """
        found = self._store.read(path)
        if found is None:
            return None
        for begin in journal_file.decode(self._owner, found.data)[0]:
            lines = block.lines[: len(begin.lines)]
            if begin == dataclasses.replace(block, lines=lines):
                return begin
        return None
