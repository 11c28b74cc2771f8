"""The journal keeps what was committed, whatever happens to the process or the files."""

import itertools
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.search.conftest import Mount
from tests.support import crashes
from tuner_component.search.errors import StorageError, StudyVersionError
from tuner_component.search.storage import files
from tuner_component.search.study import journal as journal_module
from tuner_component.search.study.journal import QUARANTINE, Journal


def write(directory: Path, count: int, **kwargs: Any) -> None:
    """Commits so many records, one at a time, numbered on from what is there."""
    journal = Journal(str(directory), "me", **kwargs)
    begin = sum(1 for _ in journal.records())
    for number in range(begin, begin + count):
        journal.append({"number": number})
        journal.commit()


def numbers(directory: Path, **kwargs: Any) -> list[int]:
    """The records, as `write` numbered them."""
    journal = Journal(str(directory), "me", **kwargs)
    return [record["number"] for record in journal.records()]


def files_of(directory: Path, kind: str = "*") -> list[Path]:
    return sorted(directory.glob(f"{kind}-*.jsonl"))


def test_commit_writes_all_that_is_buffered_as_one_file(tmp_path: Path) -> None:
    """A group of messages would cost a write each."""
    journal = Journal(str(tmp_path), "me")
    assert [journal.append({"number": n}) for n in range(5)] == [1, 2, 3, 4, 5]
    assert files_of(tmp_path) == []
    journal.commit()
    journal.commit()
    assert len(files_of(tmp_path)) == 1
    journal.append({"number": 5})
    journal.commit()
    assert len(files_of(tmp_path)) == 2
    assert numbers(tmp_path) == [0, 1, 2, 3, 4, 5]


def test_uncommitted_records_are_not_there(tmp_path: Path) -> None:
    """What nobody was promised would come back after a crash."""
    journal = Journal(str(tmp_path), "me")
    journal.append({"number": 0})
    assert numbers(tmp_path) == []


@pytest.mark.parametrize("bad", [{"x": object()}, {"x": float("nan")}])
def test_unwritable_record_is_refused_at_once(tmp_path: Path, bad: dict) -> None:
    """One bad record would block every commit after it."""
    journal = Journal(str(tmp_path), "me")
    with pytest.raises((TypeError, ValueError)):
        journal.append(bad)
    journal.append({"number": 0})
    journal.commit()
    assert numbers(tmp_path) == [0]


def test_merging_keeps_the_number_of_files_small(tmp_path: Path) -> None:
    """Opening a long study would take ever longer."""
    write(tmp_path, 100, merge_after=10)
    assert len(files_of(tmp_path, "segment")) == 10
    assert len(files_of(tmp_path, "slot")) == 10
    write(tmp_path, 9, merge_after=10)
    assert len(files_of(tmp_path, "segment")) == 10
    write(tmp_path, 1, merge_after=10)
    assert len(files_of(tmp_path, "segment")) == 11
    assert len(files_of(tmp_path, "slot")) == 10
    assert numbers(tmp_path) == list(range(110))


@pytest.mark.parametrize(
    "point",
    [
        "journal.commit.before",
        "files.write.written",
        "files.write.replaced",
        "files.overwrite.torn",
        "journal.commit.after",
        "journal.merge.before",
        "journal.merge.written",
        "journal.merge.after",
    ],
)
def test_crash_anywhere_loses_and_doubles_nothing(tmp_path: Path, point: str) -> None:
    """Records would vanish or count twice after a crash at that point."""
    for nth in itertools.count(1):
        directory = tmp_path / str(nth)
        undisturbed = crashes.run(
            lambda d=directory: write(d, 7, merge_after=3), f"{point}:{nth}"
        )
        known = numbers(directory, merge_after=3)
        assert known == list(range(len(known)))
        assert not list(directory.glob(".*.tmp"))
        write(directory, 4, merge_after=3)
        assert numbers(directory) == list(range(len(known) + 4))
        torn = point == "files.overwrite.torn"
        assert (directory / QUARANTINE).exists() == (torn and not undisturbed)
        if undisturbed:
            break
    assert nth >= 3


def test_slots_are_used_again_once_they_are_merged(tmp_path: Path) -> None:
    """Each new file would cost three times as much as writing in place."""
    journal = Journal(str(tmp_path), "me", merge_after=4)
    slots = []
    for number in range(12):
        journal.append({"number": number, "filler": "x" * (9000 - 700 * number)})
        journal.commit()
        slots.append(len(files_of(tmp_path, "slot")))
        assert numbers(tmp_path, read_only=True) == list(range(number + 1))
    assert slots == [1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4]
    journal.close()
    assert files_of(tmp_path, "slot") == []
    assert numbers(tmp_path) == list(range(12))


def test_slots_of_an_interrupted_search_are_used_on(tmp_path: Path) -> None:
    """A resumed search would overwrite what was committed, or leave more files."""
    for count in (3, 1, 2, 7, 5):  # Merges fall within and between them.
        write(tmp_path, count, merge_after=4)
        assert len(files_of(tmp_path, "slot")) <= 4
    assert numbers(tmp_path) == list(range(18))


def test_slots_before_a_gap_are_kept(tmp_path: Path) -> None:
    """What lies before a lost record would be overwritten by later ones."""
    write(tmp_path, 6, merge_after=8)
    files_of(tmp_path, "slot")[3].unlink()
    write_on = Journal(str(tmp_path), "me", merge_after=3)
    for number in range(6, 30):
        write_on.append({"number": number})
        write_on.commit()
    assert numbers(tmp_path) == [n for n in range(30) if n != 3]


def test_reader_beside_a_writer_sees_all_up_to_some_record(tmp_path: Path) -> None:
    """A report of a running search would lack trials, and warn of lost records."""
    journal = Journal(str(tmp_path), "me", merge_after=3)
    written = 0

    def commit() -> None:
        nonlocal written
        journal.append({"number": written})
        journal.commit()
        written += 1

    for _ in range(8):
        commit()
    read_bytes = files.read_bytes
    for every in (1, 2, 3, 4, 5):
        calls = itertools.count(1)

        def read_and_be_overtaken(
            path: str, calls: Any = calls, every: int = every
        ) -> bytes:
            if next(calls) % every == 0:
                commit()
            return read_bytes(path)

        before = written
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(journal_module, "_content", read_and_be_overtaken)
            seen = numbers(tmp_path, read_only=True)
        assert len(seen) >= before
        assert seen == list(range(len(seen)))


def test_records_behind_a_lost_one_are_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One bad sector would cost every trial after it."""
    write(tmp_path, 6)
    victim = files_of(tmp_path)[2]
    victim.write_bytes(b"garbage")
    with caplog.at_level(logging.WARNING):
        assert numbers(tmp_path) == [0, 1, 3, 4, 5]
    assert victim.name in caplog.text
    assert "Records 3 to 3" in caplog.text
    assert [p.name for p in (tmp_path / QUARANTINE).iterdir()] == [victim.name]


def test_journal_with_a_gap_goes_on(tmp_path: Path) -> None:
    """Merging over a gap would number the records anew, or hide some."""
    write(tmp_path, 6)
    files_of(tmp_path)[2].unlink()
    journal = Journal(str(tmp_path), "me", merge_after=4)
    for number in range(6, 12):
        journal.append({"number": number})
        journal.commit()
    expected = [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert numbers(tmp_path) == expected
    seqs = [record["seq"] for record in Journal(str(tmp_path), "me").records()]
    assert seqs == [number + 1 for number in expected]


def test_lost_segment_leaves_the_rest(tmp_path: Path) -> None:
    """A damaged segment would take the journal with it."""
    write(tmp_path, 9, merge_after=3)
    files_of(tmp_path, "segment")[1].write_bytes(b"")
    assert numbers(tmp_path) == [0, 1, 2, 6, 7, 8]


@pytest.mark.parametrize("name", ["notes.txt", "commit-000000000002.jsonl.bak", ".x"])
def test_foreign_file_is_set_aside(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A stray file would stop the search or be read as records."""
    write(tmp_path, 2)
    (tmp_path / name).write_text("mine")
    assert numbers(tmp_path) == [0, 1]
    assert (tmp_path / QUARANTINE / name).read_text() == "mine"
    assert name in caplog.text


def test_foreign_directory_is_set_aside(tmp_path: Path) -> None:
    """A stray directory would crash the search."""
    write(tmp_path, 2)
    (tmp_path / "commit-000000000009.jsonl").mkdir()
    assert numbers(tmp_path) == [0, 1]


def test_reading_only_touches_nothing(tmp_path: Path) -> None:
    """A report would change the study it reads."""
    write(tmp_path, 5, merge_after=2)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".commit.1.tmp").write_text("half")
    before = sorted(tmp_path.iterdir())
    assert numbers(tmp_path, read_only=True) == list(range(5))
    assert sorted(tmp_path.iterdir()) == before
    missing = tmp_path / "missing"
    assert numbers(missing, read_only=True) == []
    assert not missing.exists()


def test_newer_format_touches_nothing(tmp_path: Path) -> None:
    """An older release would set a newer one's files aside, and lose the study."""
    write(tmp_path, 2)
    (tmp_path / "notes.txt").write_text("mine")
    newest = files_of(tmp_path)[-1]
    newest.write_bytes(newest.read_bytes().replace(b'"format": 1', b'"format": 9'))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(StudyVersionError, match="format 9"):
        Journal(str(tmp_path), "me")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_full_disk_keeps_what_was_committed_and_goes_on_later(mount: Mount) -> None:
    """A full disk would lose records, or end the study for good."""
    directory = mount("size=200k,nr_inodes=40")
    journal = Journal(str(directory), "me", merge_after=1000)
    committed = 0
    with pytest.raises(StorageError, match="Free some space"):
        for committed in range(200):
            journal.append({"number": committed, "filler": "x" * 5000})
            journal.commit()
    assert 5 < committed < 60
    assert numbers(directory, read_only=True) == list(range(committed))
    files_of(directory)[0].unlink()
    journal.commit()
    assert numbers(directory, read_only=True) == list(range(1, committed + 1))


def test_failed_merge_is_no_failed_commit(mount: Mount) -> None:
    """A disk too full for a second copy would end a search whose results are safe."""
    directory = mount("size=100k")
    journal = Journal(str(directory), "me", merge_after=10)
    for number in range(12):
        journal.append({"number": number, "filler": "x" * 7000})
        journal.commit()
    assert numbers(directory, read_only=True) == list(range(12))
    assert files_of(directory, "segment") == []


def test_readonly_filesystem_is_explained(mount: Mount) -> None:
    """Nobody would be told what to do."""
    with pytest.raises(StorageError, match="choose another study directory"):
        Journal(str(mount("ro") / "journal"), "me")
