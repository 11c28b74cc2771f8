"""Blocks are put in order, and what contradicts the others is found."""

import dataclasses

from tuner_component.search.journal import journal_end
from tuner_component.search.journal.journal_end import End
from tuner_component.search.journal.journal_file import Block
from tuner_component.search.journal.journal_order import Stored, order


def lines(first: int, last: int, of: str = "") -> tuple[bytes, ...]:
    return tuple(f"{of}{n}".encode() for n in range(first, last + 1))


def chain(*parts: tuple[bytes, ...]) -> str:
    return journal_end.follow(journal_end.begin("me"), sum(parts, ()))


def block(first: int, last: int, of: str = "", before: str | None = None) -> Block:
    """Records of one copy of a study; they continue those of the same copy."""
    if before is None:
        before = chain(lines(1, first - 1, of))
    return Block(first, lines(first, last, of), before)


END = End(6, chain(lines(1, 6)))


def told(stored: list[Stored], end: End | None = END) -> list[bytes]:
    return [line for b in order("me", stored, end).blocks for line in b.lines]


def test_records_are_ordered_whatever_their_files() -> None:
    """A trial would end before it began."""
    found = order("me", [("b", block(4, 6)), ("a", block(1, 3))], END)
    assert found.blocks == [block(1, 6)]
    assert found.end == END and found.is_right
    assert not found.missing and not found.strangers


def test_copies_of_a_file_count_once() -> None:
    """A trial would end twice."""
    stored = [("a", block(1, 6)), ("b", block(1, 6)), ("commit-2", block(2, 4))]
    found = order("me", stored, END)
    assert found.blocks == [block(1, 6)]
    assert found.merged == ["commit-2"]
    assert found.is_right and not found.strangers


def test_missing_records_are_numbered() -> None:
    """Nobody would be told what was lost."""
    found = order("me", [("a", block(2, 2)), ("b", block(5, 5))], END)
    assert found.missing == [(1, 1), (3, 4), (6, 6)]
    # New records follow those that are missing: should they turn up, all fit.
    assert found.end == END


def test_journal_may_be_ahead_of_what_is_known_of_its_end() -> None:
    """A crash between a commit and its mark would pass for a loss."""
    found = order("me", [("a", block(1, 6))], End(4, chain(lines(1, 4))))
    assert found.is_right and not found.missing
    assert found.end == END


def test_blocks_that_tell_no_chain_are_used() -> None:
    """Studies of earlier releases could not be read."""
    stored = [
        ("a", dataclasses.replace(block(1, 2), before="")),
        ("b", dataclasses.replace(block(3, 6), before="")),
    ]
    found = order("me", stored, None)
    assert found.end == END and found.is_right
    assert order("me", [*stored, ("c", block(7, 9))], None).end.records == 9
    behind_a_gap = order("me", stored[1:], None)
    assert behind_a_gap.missing == [(1, 2)]
    assert behind_a_gap.end.chain != END.chain


def test_whole_journal_of_another_copy_is_noticed() -> None:
    """Results of another run of the search would pass for those of this one."""
    assert not order("me", [("a", block(1, 6, of="x"))], END).is_right


def test_file_that_contradicts_the_end_is_a_stranger() -> None:
    """A file of another copy of the study would replace its records."""
    own, foreign = block(1, 6), block(1, 9, of="x")
    for names in (("a", "b"), ("b", "a")):
        stored = list(zip(names, (own, foreign), strict=True))
        found = order("me", stored, END)
        assert found.blocks == [own]
        assert [name for name, _ in found.strangers] == [names[1]]
        assert found.is_right


def test_file_that_others_do_not_continue_is_a_stranger() -> None:
    """An older file in the place of a newer one would go unnoticed."""
    found = order("me", [("a", block(1, 3, of="x")), ("b", block(4, 6))], END)
    assert [name for name, _ in found.strangers] == ["a"]
    assert found.missing == [(1, 3)]
    assert found.blocks == [block(4, 6)]


def test_contradiction_without_a_known_end_is_no_certainty() -> None:
    """Chance would decide which results are right, and nobody would know."""
    stored = [("a", block(1, 6)), ("b", block(1, 6, of="x"))]
    found = order("me", stored, None)
    assert len(found.strangers) == 1
    assert not found.is_right


def test_contradiction_within_a_file_costs_one_block() -> None:
    """Two searches that wrote into one file would cost all its records."""
    stored = [("a", block(1, 3)), ("a", block(3, 3, of="x")), ("a", block(4, 6))]
    found = order("me", stored, END)
    assert told(stored) == list(lines(1, 6))
    assert not found.is_right and not found.strangers


def of_run(run: int, block: Block) -> Block:
    return dataclasses.replace(block, run=run)


def continued(first: int, last: int, of: str, run: int, since: int = 4) -> Block:
    """Records of a run that took over when there were `since - 1` of run 1."""
    begin = chain(lines(1, since - 1), lines(since, first - 1, of))
    return of_run(run, block(first, last, of, begin))


OLD = ("old", of_run(1, block(1, 3)))
LATE = ("commit-late", of_run(1, block(4, 5)))
NEW = [(f"commit-{n}", continued(n, n, "b", 2)) for n in (4, 5, 6)]
NEW_END = End(6, chain(lines(1, 3), lines(4, 6, "b")), 2)


def test_newer_run_counts_whatever_is_known_of_the_end() -> None:
    """What a search wrote too late would take the place of what people were told of."""
    behind = End(4, chain(lines(1, 3), lines(4, 4, "b")), 2)
    older = End(3, chain(lines(1, 3)), 1)
    for stored in ([OLD, LATE, *NEW], [*NEW, LATE, OLD]):
        for end in (NEW_END, behind, older, None):
            found = order("me", stored, end)
            assert found.late == [LATE]
            assert found.is_right and not found.missing and not found.strangers
            assert [found.end.records, found.end.chain] == [6, NEW_END.chain]


def test_what_is_late_in_a_file_costs_no_more() -> None:
    """All that a search appended would be lost with what it appended too late."""
    late = [("old", block) for _, block in (OLD, LATE)]
    found = order("me", [*late, *NEW], NEW_END)
    assert found.late == late[1:]
    assert found.is_right and not found.missing


def test_several_late_runs_are_told_apart() -> None:
    """A study that was taken over twice would lose one of the takeovers."""
    before = chain(lines(1, 3), lines(4, 5, "b"))
    second = ("commit-later", of_run(2, block(6, 6, "c", before)))
    third = ("new", of_run(3, block(6, 8, "d", before)))
    found = order("me", [OLD, LATE, *NEW[:2], second, third], None)
    assert {name for name, _ in found.late} == {"commit-late", "commit-later"}
    assert found.is_right and not found.missing
    assert found.end.records == 8


def test_late_block_is_seen_where_the_newer_one_is_lost() -> None:
    """It would pass for the record that is lost."""
    found = order("me", [OLD, LATE, *NEW[1:]], NEW_END)
    assert found.late == [LATE]
    assert found.missing == [(4, 4)]


def test_newer_run_of_another_copy_is_a_stranger() -> None:
    """A file of a copy that was searched on would take the place of this study's own."""
    foreign = ("foreign", continued(4, 9, "x", 3))
    found = order("me", [OLD, *NEW, foreign], NEW_END)
    assert found.strangers == [foreign] and not found.late
    assert found.is_right and not found.missing
    assert found.end.records == 6
