"""Blocks are put in order, and what contradicts the others is found."""

import dataclasses

from tuner_component.search.study import journal_end
from tuner_component.search.study.journal_end import End
from tuner_component.search.study.journal_file import Block
from tuner_component.search.study.journal_order import Stored, order


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
