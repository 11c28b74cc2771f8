"""A journal's end is known in a second place, and believed only if that is sound."""

from pathlib import Path

import pytest

from tests.search.conftest import Mount
from tuner_component.search.errors import StorageError
from tuner_component.search.journal import journal_end
from tuner_component.search.journal.journal_end import End, EndMark
from tuner_component.search.storage import files

END = End(12, journal_end.begin("me"))


def test_mark_comes_back(tmp_path: Path) -> None:
    """A lost end of a journal would never be missed."""
    mark = EndMark(str(tmp_path / "end"), "me")
    mark.start(End(0, "abc"))
    mark.renew(END)
    assert mark.read() == (END, "")
    assert (tmp_path / "end").stat().st_size == 256


def test_mark_in_a_bucket_is_renewed_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Buckets refuse to replace an object more often, and each time costs a request."""
    monkeypatch.setattr(files, "is_remote", lambda path: path.endswith("end"))
    monkeypatch.setattr(files, "write_bytes", lambda path, data: kept.append(data))
    kept: list[bytes] = []
    mark = EndMark(str(tmp_path / "end"), "me")
    mark.renew(End(1, "a"))
    mark.renew(End(2, "b"))
    assert len(kept) == 1
    mark.renew(End(2, "b"), at_once=True)
    assert len(kept) == 2 and b'"records": 2' in kept[-1]


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 256, b"{}", b"[1]", b'{"sha256": 1}', b"[" * 10**5]
)
def test_damaged_mark_tells_nothing(tmp_path: Path, content: bytes) -> None:
    """A journal that is whole would be said to lack records, or could not be opened."""
    (tmp_path / "end").write_bytes(content)
    end, why = EndMark(str(tmp_path / "end"), "me").read()
    assert end is None and "is damaged" in why


def test_each_flipped_bit_is_noticed(tmp_path: Path) -> None:
    """A wrong number of records would be believed."""
    mark = EndMark(str(tmp_path / "end"), "me")
    mark.start(END)
    data = (tmp_path / "end").read_bytes()
    for position in range(len(data.rstrip())):
        altered = bytearray(data)
        altered[position] ^= 4
        (tmp_path / "end").write_bytes(altered)
        assert mark.read()[0] is None


def test_mark_of_another_study_tells_nothing(tmp_path: Path) -> None:
    """A study would be said to lack what another one has."""
    EndMark(str(tmp_path / "end"), "you").start(END)
    end, why = EndMark(str(tmp_path / "end"), "me").read()
    assert end is None and "another study" in why


def test_mark_that_cannot_be_written_is_no_failed_commit(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """A search would end although its results are durable."""
    mark = EndMark(str(mount("ro") / "end"), "me")
    mark.start(END)
    mark.renew(END)
    assert caplog.text.count("is not marked") == 2


@pytest.mark.parametrize(
    "content", [None, [], {"records": "1", "chain": ""}, {"records": -1, "chain": "a"}]
)
def test_what_is_no_end_is_none(content: object) -> None:
    """An edited description would end the search with a traceback."""
    assert End.of(content) is None


def test_bucket_that_cannot_be_read_is_no_bucket_without_a_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that fails for a moment would cost what is known of the end."""
    (tmp_path / "end").mkdir()
    assert EndMark(str(tmp_path / "end"), "me").read()[0] is None
    mark = EndMark(str(tmp_path / "end"), "me")
    monkeypatch.setattr(mark, "_is_remote", True)
    with pytest.raises(StorageError):
        mark.read()


def test_chain_depends_on_every_record_and_their_order() -> None:
    """Records of another copy of the study would pass for its own."""
    begin = journal_end.begin("me")
    chain = journal_end.follow(begin, (b"a", b"b"))
    assert chain == journal_end.follow(journal_end.follow(begin, (b"a",)), (b"b",))
    others = [(b"b", b"a"), (b"ab",), (b"a", b"b", b""), (b"a",)]
    assert chain not in [journal_end.follow(begin, lines) for lines in others]
    assert journal_end.begin("you") != begin
