"""A file of the journal shows whether it is sound."""

import pytest

from tuner_component.search.errors import StudyVersionError
from tuner_component.search.study import journal_file
from tuner_component.search.study.journal_file import Block, DamagedFileError

BLOCK = Block(7, (b'{"a":1}', b'{"b":"\\n"}', b"{}"))
DATA = journal_file.encode("me", BLOCK)


def test_block_comes_back() -> None:
    """Nothing that was committed could be read."""
    block = journal_file.decode("me", DATA)
    assert block == BLOCK
    assert block.last == 9
    assert block.records() == [{"a": 1}, {"b": "\n"}, {}]


def test_no_part_of_a_file_passes_for_it() -> None:
    """A write cut short by a power failure would be trusted."""
    for length in range(len(DATA)):
        with pytest.raises(DamagedFileError):
            journal_file.decode("me", DATA[:length])


def test_flipped_bit_is_noticed() -> None:
    """A file gone bad on the disk would be trusted."""
    for position in range(len(DATA)):
        altered = bytearray(DATA)
        altered[position] ^= 0x10
        with pytest.raises(DamagedFileError):
            journal_file.decode("me", bytes(altered))


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"hello", b"[]\n", b"{}\n", b'{"format":"1"}\n', b"\xff\xfe"]
)
def test_foreign_content_is_refused(data: bytes) -> None:
    """Somebody's stray file would crash the search."""
    with pytest.raises(DamagedFileError, match="header"):
        journal_file.decode("me", data)


def test_file_of_another_study_is_refused() -> None:
    """A file copied from another study would mix its trials into this one."""
    with pytest.raises(DamagedFileError, match="belongs to the journal 'you'"):
        journal_file.decode("me", journal_file.encode("you", BLOCK))


def test_newer_format_says_upgrade() -> None:
    """An old release would set the files of a newer one aside as damaged."""
    newer = DATA.replace(b'"format": 1', b'"format": 2')
    with pytest.raises(StudyVersionError, match="Upgrade"):
        journal_file.decode("me", newer)


def test_names_tell_the_kind() -> None:
    """Foreign files would be taken for the journal's, or its own for foreign."""
    for kind in ("commit", "segment", "slot"):
        name = journal_file.file_name(kind, 12)
        assert journal_file.is_journals(name)
        assert journal_file.parse_name(name) == (kind, 12)
    assert not journal_file.is_journals("commit-1.jsonl")
    assert not journal_file.is_journals(".commit-000000000012.jsonl.1.2.tmp")
    names = [journal_file.file_name("slot", n) for n in (9, 10, 100)]
    assert names == sorted(names)
