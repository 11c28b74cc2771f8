"""A file of the journal shows whether it is sound."""

import dataclasses
import hashlib
import itertools
import json

import pytest

from tuner_component.search.errors import StudyVersionError
from tuner_component.search.journal import journal_file
from tuner_component.search.journal.journal_file import Block, DamagedFileError

BLOCK = Block(7, (b'{"a":1}', b'{"b":"\\n"}', b"{}"), run=3)
DATA = journal_file.encode("me", BLOCK)


def test_block_comes_back() -> None:
    """Nothing that was committed could be read."""
    ((block,), damage) = journal_file.decode("me", DATA)
    assert block == BLOCK
    assert block.last == 9
    assert list(block.records()) == [{"a": 1}, {"b": "\n"}, {}]
    assert not damage


def test_blocks_that_follow_each_other_are_joined() -> None:
    """A long journal would take a call of the parser for each commit."""
    parts = [Block(1, (b"1", b"2"), "a"), Block(3, (b"3",), "b"), Block(7, (b"7",))]
    parts.append(Block(8, (b"8",), run=2))  # Whose run it is must stay known.
    data = b"\n\n\n".join(journal_file.encode("me", part) for part in parts)
    assert journal_file.decode("me", data + b"\n" * 99) == (parts, "")
    joined = [Block(1, (b"1", b"2", b"3"), "a"), *parts[2:]]
    assert journal_file.join_blocks(parts) == joined


def test_no_part_of_a_file_passes_for_it() -> None:
    """A write cut short by a power failure would be trusted."""
    for length in range(len(DATA)):
        blocks, damage = journal_file.decode("me", DATA[:length])
        assert not blocks and damage
        with pytest.raises(DamagedFileError):
            journal_file.decode_slot("me", DATA[:length])


def test_flipped_bit_is_noticed_and_costs_one_block() -> None:
    """A file gone bad on the disk would be trusted, or lost as a whole."""
    before, behind = Block(6, (b"[]",)), Block(10, (b"{}",))
    data = journal_file.encode("me", before) + DATA + journal_file.encode("me", behind)
    begin = data.index(DATA)
    for position in range(begin, begin + len(DATA)):
        altered = bytearray(data)
        altered[position] ^= 0x10
        blocks, damage = journal_file.decode("me", bytes(altered))
        assert damage
        assert blocks == [before, behind]


def test_what_a_slot_held_before_means_nothing() -> None:
    """Journals of earlier releases would be taken for damaged."""
    assert journal_file.decode_slot("me", DATA + DATA[50:] + b"\n\n") == BLOCK


def test_every_text_comes_back() -> None:
    """A name with half a character would cost the records beside it."""
    values = ["\ud800", "ü\n", 1e22, 5e-324, 1 << 80, -0.0]
    lines = tuple(journal_file.dump({"value": value}) for value in values)
    assert [r["value"] for r in Block(1, lines).records()] == values


def test_what_is_no_json_is_no_record() -> None:
    """A forged file would end in a traceback."""
    forged = Block(1, (b"{}", b"nothing", b"[" * 10**5, b"3"))
    ((block,), _) = journal_file.decode("me", journal_file.encode("me", forged))
    assert list(block.records()) == [{}, None, None, 3]


ADDED = {3: {"before": "x"}, 4: {"run": 5}}


def earlier(number: int) -> bytes:
    """A block as an earlier release wrote it."""
    payload = b'{"a":1}\n'
    header = {"format": number, "journal": "me", "first": 7, "count": 1}
    for added in range(number + 1):
        header |= ADDED.get(added, {})
    told = " ".join(str(value) for value in list(header.values())[1:]).encode()
    sha256 = hashlib.sha256(told + b"\n" + payload).hexdigest()
    header |= {"bytes": 8, "sha256": sha256}
    return json.dumps(header).encode() + b"\n" + payload


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_block_of_an_earlier_release_is_read(number: int) -> None:
    """Studies of earlier releases would be lost."""
    block = Block(7, (b'{"a":1}',))
    for added in range(number + 1):
        block = dataclasses.replace(block, **ADDED.get(added, {}))
    assert journal_file.decode("me", earlier(number)) == ([block], "")
    # As a segment looks in which an update of the package went on.
    data = earlier(number) + journal_file.encode("me", BLOCK, at=100) + earlier(number)
    assert journal_file.decode("me", data) == ([block, BLOCK, block], "")


def test_block_before_there_were_pauses_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Studies of the last format would be lost."""
    monkeypatch.setattr(journal_file, "FORMAT_VERSION", 5)
    data = journal_file.encode("me", BLOCK)
    monkeypatch.undo()
    data += journal_file.encode("me", BLOCK, at=100)
    assert b'{"format": 5, ' in data and b'{"format": 6, ' in data
    assert journal_file.decode("me", data) == ([BLOCK, BLOCK], "")


@pytest.mark.parametrize("before", ["", "x", "0123456789abcdef" * 2, "f" * 31])
def test_whatever_came_before_comes_back(before: str) -> None:
    """A journal would seem to continue another one."""
    block = Block(7, (b"1",), before)
    assert journal_file.decode("me", journal_file.encode("me", block)) == ([block], "")


def test_block_costs_few_bytes() -> None:
    """Most commits are one small record: headers were two fifths of a journal."""
    block = Block(1_234_567, (b"x" * 500,), "0123456789abcdef" * 2, 12)
    assert len(journal_file.encode("me", block, at=1)) - len(block.lines[0]) < 105


def test_each_block_stands_on_its_own() -> None:
    """A damaged head of a file would take all that follows along."""
    data = journal_file.encode("me", BLOCK, Block(10, (b"{}",), run=4))
    blocks, damage = journal_file.decode("me", b"x" + data[1:])
    assert blocks == [Block(10, (b"{}",), run=4)] and damage
    # Only the first names the journal; another's is refused all the same.
    assert not journal_file.decode("you", data)[0]


@pytest.mark.parametrize("change", itertools.product((4, 5), (-1, "x", 10**9)))
def test_forged_length_is_refused(change: tuple[int, object]) -> None:
    """A reader would never end, or crash."""
    length, told = change
    data = DATA if length == 5 else earlier(4)
    head, _, payload = data.partition(b"\n")
    header = json.loads(head)
    if length == 5:
        header["block"][2] = told
    else:
        header["bytes"] = told
    data = json.dumps(header).encode() + b"\n" + payload
    blocks, damage = journal_file.decode("me", data)
    assert not blocks and ("bytes of records" in damage or "damaged" in damage)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"hello", b"[]\n", b"{}\n", b'{"format":"1"}\n', b"\xff\xfe"]
)
def test_foreign_content_is_refused(data: bytes) -> None:
    """Somebody's stray file would crash the search."""
    blocks, damage = journal_file.decode("me", data)
    assert not blocks
    assert damage in (
        "it does not begin with a journal's header",
        "it holds no records",
    )


def test_file_of_another_study_is_refused() -> None:
    """A file copied from another study would mix its trials into this one."""
    theirs = journal_file.encode("you", BLOCK)
    assert journal_file.decode("me", theirs) == ([], "it belongs to the journal 'you'")


def test_newer_format_says_upgrade() -> None:
    """An old release would set the files of a newer one aside as damaged."""
    newer = DATA.replace(b'"format": 6', b'"format": 7')
    with pytest.raises(StudyVersionError, match="Upgrade"):
        journal_file.decode("me", newer)


def test_names_tell_the_kind() -> None:
    """Foreign files would be taken for the journal's, or its own for foreign."""
    for kind in ("commit", "segment"):
        name = journal_file.file_name(kind, 12, journal_file.new_token())
        assert journal_file.kind_of(name) == kind
        assert journal_file.kind_of(f".{name}.1.2.tmp") is None
    for kind in ("commit", "segment", "slot"):  # Of earlier releases.
        assert journal_file.kind_of(f"{kind}-000000000012.jsonl") == kind
    for name in ("commit-1.jsonl", "notes.txt"):
        assert journal_file.kind_of(name) is None
    names = [journal_file.file_name("segment", n, "0" * 8) for n in (9, 10, 100)]
    assert names == sorted(names)


def test_no_two_runs_write_to_one_file() -> None:
    """A search that wakes too late would write over what its successor has committed."""
    tokens = {journal_file.new_token() for _ in range(100)}
    assert len({journal_file.file_name("commit", 12, t) for t in tokens}) == 100
