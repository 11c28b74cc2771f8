"""Puts the blocks of a journal's files in order, and tells what is missing.

Records are numbered, and chained: what all records up to one add up to is told by the
block behind it, and by the journal's end. So records that are gone, that are there twice,
or that another copy of the study brought along can be told apart.

Runs are numbered, too. A search that was stopped in the middle of a commit, and wakes when
another one has taken over, may write that commit late: beside what the other one has
committed under the same numbers. Nobody was told of it, so the newer run's counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tuner_component.search.journal import journal_end, journal_file
from tuner_component.search.journal.journal_end import End
from tuner_component.search.journal.journal_file import Block

# A block, and the name of the file that it is in.
Stored = tuple[str, Block]


@dataclass
class Order:
    """The records of a journal, in order.

    Attributes:
        blocks: All that there are, in as few blocks as possible.
        commits: What each commit with a file of its own adds, by the file's name.
        merged: Names of commits that hold nothing which is not elsewhere, too.
        missing: First and last number of records that are gone.
        is_right: Whether the records are those that the journal's end tells of, as far
            as that can be seen.
        is_confirmed: Whether they lead to the journal's end.
        end: The number of the last record, be it there or not, and the chain up to it.
        strangers: Blocks that do not fit the others, and were not used.
        late: Blocks that were not used because a newer run has taken their numbers.
    """

    blocks: list[Block] = field(default_factory=list)
    commits: list[Stored] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    missing: list[tuple[int, int]] = field(default_factory=list)
    is_right: bool = True
    is_confirmed: bool = False
    end: End = field(default_factory=lambda: End(0, ""))
    strangers: list[Stored] = field(default_factory=list)
    late: list[Stored] = field(default_factory=list)


def order(owner: str, stored: Iterable[Stored], end: End | None) -> Order:
    """Orders what the files of a journal hold.

    Of two runs that contradict each other, the newer one's blocks are used; of two files
    of one run the one that leads to the journal's end. Where the end says that the newer
    run is not this journal's, it decides there as well.

    Args:
        owner: Name of the study.
        stored: The sound blocks, in no particular order.
        end: What is known of the journal's end, if anything is.
    """
    # By number, whatever the file. Of two blocks that begin alike, the longer is the later
    # merge.
    blocks = sorted(stored, key=lambda s: (s[1].first, -s[1].last, s[0]))
    found = _resolved(owner, blocks, end, by_run=True)
    if found.late and not (found.is_right or found.is_confirmed):
        other = _resolved(owner, blocks, end, by_run=False)
        if other.is_confirmed:
            return other
    return found


class _ContradictionError(Exception):
    """A block holds other records than another one, or continues others."""

    def __init__(self, one: Stored, other: Stored) -> None:
        super().__init__(one, other)
        self.one = one
        self.other = other


def _resolved(
    owner: str, left: Sequence[Stored], end: End | None, *, by_run: bool
) -> Order:
    strangers: list[Stored] = []
    late: list[Stored] = []
    while True:
        try:
            found = _Ordering(owner).run(left, end)
        except _ContradictionError as contradiction:
            one, other = contradiction.one, contradiction.other
            if by_run and one[1].run != other[1].run:
                dropped = _late(left, min(one, other, key=lambda s: s[1].run))
                late += dropped
            else:
                stranger = _stranger(owner, left, end, [one[0], other[0]])
                dropped = _of_file(left, stranger)
                strangers += dropped
            left = [s for s in left if s not in dropped]
        else:
            found.strangers, found.late = strangers, late
            # Without a known end, chance decided which of the files is a stranger.
            found.is_right = found.is_right and not (strangers and end is None)
            return found


def _late(stored: Iterable[Stored], since: Stored) -> list[Stored]:
    """What a run wrote to a file from one block on: it had been replaced by then."""
    name, block = since
    return [
        s
        for s in _of_file(stored, name)
        if s[1].run == block.run and s[1].first >= block.first
    ]


def _of_file(stored: Iterable[Stored], name: str) -> list[Stored]:
    return [s for s in stored if s[0] == name]


def _stranger(
    owner: str, stored: Sequence[Stored], end: End | None, names: Iterable[str]
) -> str:
    """Which of the files is not this journal's: the one without which it is right."""

    def rightness(name: str) -> tuple[bool, bool, int]:
        try:
            rest = _Ordering(owner).run([s for s in stored if s[0] != name], end)
        except _ContradictionError:
            return False, False, 0
        lost = sum(1 + last - first for first, last in rest.missing)
        return rest.is_confirmed, rest.is_right, -lost

    return max(names, key=rightness)


class _Ordering:
    """One attempt to order the blocks of some files."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._order = Order()
        self._pieces: list[Block] = []
        self._expected = 1
        self._chain = journal_end.begin(owner)
        # By number: the record with where it was found, and the chain up to it.
        self._known: dict[int, tuple[bytes, Stored]] = {}
        self._chains = {0: self._chain}

    def run(self, stored: Iterable[Stored], end: End | None) -> Order:
        """Orders sorted blocks.

        Raises:
            _ContradictionError: Two blocks cannot both be right.
        """
        for one in stored:
            self._take(one)
        self._order.blocks = journal_file.join_blocks(self._pieces)
        self._order.end = End(self._expected - 1, self._chain)
        if end is not None:
            self._compare(end)
        return self._order

    def _take(self, stored: Stored) -> None:
        name, block = stored
        other = self._contradicts(stored)
        if other is not None and other[0] == name:
            self._order.is_right = False
            return
        if other is not None:
            raise _ContradictionError(stored, other)
        is_commit = name.startswith("commit")
        if block.last < self._expected:
            if is_commit:
                self._order.merged.append(name)
            return
        if block.first > self._expected:
            self._order.missing.append((self._expected, block.first - 1))
            gap = block.first - 1
            self._chain = block.before or journal_end.begin(self._owner, gap)
            self._chains[gap] = self._chain
        piece = block
        skipped = max(0, self._expected - block.first)
        if skipped or block.before != self._chain:
            lines = block.lines[skipped:]
            piece = Block(block.first + skipped, lines, self._chain, block.run)
        self._pieces.append(piece)
        if is_commit:
            self._order.commits.append((name, piece))
        for number, line in enumerate(piece.lines, start=piece.first):
            self._chain = journal_end.follow(self._chain, (line,))
            self._known[number] = line, stored
            self._chains[number] = self._chain
        self._expected = block.last + 1

    def _contradicts(self, stored: Stored) -> Stored | None:
        """A block that tells something else than another one, if there is one."""
        block = stored[1]
        before = self._chains.get(block.first - 1)
        if block.before and before and block.before != before:
            return self._known.get(block.first - 1, (b"", stored))[1]
        for number in range(block.first, min(block.last + 1, self._expected)):
            line, other = self._known[number]
            if line != block.lines[number - block.first]:
                return other
        return None

    def _compare(self, end: End) -> None:
        last = self._order.end.records
        if end.records > last:
            self._order.missing.append((last + 1, end.records))
            self._order.end = End(end.records, end.chain)
        elif end.records in self._chains:
            self._order.is_confirmed = self._chains[end.records] == end.chain
            self._order.is_right &= self._order.is_confirmed
