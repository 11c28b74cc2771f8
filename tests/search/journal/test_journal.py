"""The journal keeps what was committed, whatever happens to the process or the files."""

import contextlib
import itertools
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.search.conftest import Mount
from tests.support import crashes, damage, tearing
from tuner_component.search.errors import (
    StorageError,
    StudyLockedError,
    StudyVersionError,
)
from tuner_component.search.journal import journal as journal_module
from tuner_component.search.journal import journal_file, journal_reading
from tuner_component.search.journal.journal import Journal
from tuner_component.search.journal.journal_reading import QUARANTINE
from tuner_component.search.storage import files


def write(
    directory: Path,
    count: int,
    kind: type[Journal] = Journal,
    filler: str = "",
    **kwargs: Any,
) -> None:
    """Commits so many records, one at a time, numbered on from what is there."""
    journal = kind(str(directory), "me", **kwargs)
    begin = sum(1 for _ in journal.records())
    for number in range(begin, begin + count):
        journal.append({"number": number, "filler": filler})
        journal.commit()


def numbers(directory: Path, **kwargs: Any) -> list[int]:
    """The records, as `write` numbered them."""
    journal = Journal(str(directory), "me", **kwargs)
    return [record["number"] for record in journal.records()]


class RemoteJournal(Journal):
    """Commits as on a filesystem that cannot append."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._appends = False


def write_files(directory: Path, count: int, **kwargs: Any) -> None:
    """The same as `write`, a file for each commit."""
    write(directory, count, kind=RemoteJournal, **kwargs)


def mark_of(directory: Path) -> Path:
    """The file beside a journal that tells where it ends."""
    return directory.with_name(f"{directory.name}.end")


def files_of(directory: Path, kind: str = "*") -> list[Path]:
    return sorted(directory.glob(f"{kind}-*.jsonl"))


@pytest.mark.parametrize("kind", [Journal, RemoteJournal])
def test_commit_writes_all_that_is_buffered_at_once(
    tmp_path: Path, kind: type[Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group of messages would cost a write each."""
    writes = []
    for name in ("append_bytes", "write_bytes"):
        original = getattr(files, name)

        def count(path: str, *args: Any, original: Any = original, **more: Any) -> None:
            writes.append(path)
            original(path, *args, **more)

        monkeypatch.setattr(files, name, count)
    journal = kind(str(tmp_path), "me")
    writes.clear()  # Opening makes the mark of the journal's end.
    assert [journal.append({"number": n}) for n in range(5)] == [1, 2, 3, 4, 5]
    assert not writes and files_of(tmp_path) == []
    journal.commit()
    journal.commit()
    assert len(writes) == 1
    journal.append({"number": 5})
    journal.commit()
    assert len(writes) == 2
    assert numbers(tmp_path) == [0, 1, 2, 3, 4, 5]


def test_commit_looks_at_the_lock_once(tmp_path: Path) -> None:
    """Each look is a dozen system calls, or a request to a bucket."""
    journal, moments = Journal(str(tmp_path), "me"), []

    @contextlib.contextmanager
    def writing() -> Iterator[Callable[[], None]]:
        moments.append("begin")
        yield lambda: moments.append(f"written {files_of(tmp_path) != []}")
        moments.append(f"end {journal.end.records}")

    journal.append({"number": 0})
    journal.commit(writing)
    assert moments == ["begin", "written True", "end 1"]


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
    write_files(tmp_path, 109, merge_after=10)
    assert len(files_of(tmp_path, "segment")) == 10
    assert len(files_of(tmp_path, "commit")) == 9
    write_files(tmp_path, 1, merge_after=10)
    assert len(files_of(tmp_path, "segment")) == 11
    assert len(files_of(tmp_path, "commit")) == 0
    assert numbers(tmp_path) == list(range(110))


def test_commits_that_a_segment_has_are_deleted(tmp_path: Path) -> None:
    """A crash in each merge would leave files for ever, each read at every opening."""
    write_files(tmp_path / "merged", 3, merge_after=3)
    write_files(tmp_path / "single", 3)
    for path in files_of(tmp_path / "single"):
        shutil.copy(path, tmp_path / "merged")
    assert numbers(tmp_path / "merged") == [0, 1, 2]
    assert len(files_of(tmp_path / "merged")) == 1


def test_each_run_appends_to_a_file_of_its_own(tmp_path: Path) -> None:
    """A run would write into what an earlier one has made durable."""
    write(tmp_path, 3)
    before = [path.read_bytes() for path in files_of(tmp_path)]
    write(tmp_path, 2)
    assert [path.read_bytes() for path in files_of(tmp_path)][:1] == before
    assert len(files_of(tmp_path)) == 2
    assert numbers(tmp_path) == [0, 1, 2, 3, 4]


def test_full_segment_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On object stores that look local, each commit would write the whole journal."""
    monkeypatch.setattr(journal_module, "_SEGMENT_BYTES", 500)
    write(tmp_path, 20)
    assert 3 < len(files_of(tmp_path, "segment")) < 7
    assert numbers(tmp_path) == list(range(20))


MERGES = ("before", "written", "removing", "after")
APPENDS = ("journal.commit.before", "journal.commit.after", tearing.TORN)
WRITES = (*APPENDS[:2], "files.write.written", "files.write.replaced")


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        *((Journal, point) for point in APPENDS),
        *((RemoteJournal, point) for point in WRITES),
        *((RemoteJournal, f"journal.merge.{moment}") for moment in MERGES),
    ],
)
def test_crash_anywhere_loses_and_doubles_nothing(
    tmp_path: Path, kind: type[Journal], point: str
) -> None:
    """Records would vanish or count twice after a crash at that point."""

    def work(directory: Path) -> None:
        tearing.tear_writes()
        write(directory, 7, kind, merge_after=3)

    for nth in itertools.count(1):
        directory = tmp_path / str(nth)
        undisturbed = crashes.run(lambda d=directory: work(d), f"{point}:{nth}")
        known = numbers(directory, merge_after=3)
        assert known == list(range(len(known)))
        assert not list(directory.glob(".*.tmp"))
        write(directory, 4, kind, merge_after=3)
        assert numbers(directory) == list(range(len(known) + 4))
        torn = point == tearing.TORN
        assert (directory / QUARANTINE).exists() == (torn and not undisturbed)
        if undisturbed:
            break
    assert nth >= 3


@pytest.mark.parametrize("length", [1, 60, 150, 290])
def test_torn_tail_is_set_aside(
    tmp_path: Path, length: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A crash of the machine would block the study, go unsaid, or pass for a loss."""
    journal = Journal(str(tmp_path), "me")
    for number in range(3):
        mark = mark_of(tmp_path).read_bytes()
        journal.append({"number": number, "filler": ""})
        journal.commit()
    mark_of(tmp_path).write_bytes(mark)  # A commit is marked once it is durable.
    (segment,) = files_of(tmp_path)
    whole = segment.read_bytes()
    torn = whole[: sum(map(len, damage.commits(segment)[:2])) + length].rstrip(b"\n")
    segment.write_bytes(torn)
    assert numbers(tmp_path, read_only=True) == [0, 1]
    assert segment.read_bytes() == torn
    write(tmp_path, 2)
    assert f"a part of {segment}" in caplog.text
    assert (tmp_path / QUARANTINE / segment.name).read_bytes() == torn
    caplog.clear()
    assert numbers(tmp_path) == [0, 1, 2, 3]
    assert not caplog.records


def test_damage_that_cannot_be_set_aside_is_not_in_the_way(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A quarantine that cannot be made would end the study."""
    write(tmp_path, 3)
    damage.tear_commit(files_of(tmp_path)[0], 2)
    (tmp_path / QUARANTINE).write_text("a file, and no directory")
    for count in (2, 3):
        write(tmp_path, 1)
        assert "Leaving" in caplog.text
        assert numbers(tmp_path) == list(range(count + 1))


def test_segment_that_is_gone_is_missed(tmp_path: Path) -> None:
    """A study deleted while it runs would look like a new one."""
    journal = Journal(str(tmp_path), "me")
    for number in range(2):
        journal.append({"number": number})
        if number == 1:
            files_of(tmp_path)[0].unlink()
            with pytest.raises(StorageError, match="No such file"):
                journal.commit()
        else:
            journal.commit()
    assert files_of(tmp_path) == []


@pytest.fixture(name="slots")
def _slots(tmp_path: Path) -> Path:
    """15 records as version 0.1.0 of November 2026 left them when it was killed.

    It wrote commits over slots, whose files it had made before, and merged them into
    segments. Here some slots hold what a segment has, too.
    """
    shutil.copytree(Path(__file__).parent / "data" / "slots", tmp_path / "slots")
    for slot in files_of(tmp_path / "slots", "slot"):
        slot.write_bytes(slot.read_bytes().ljust(4096, b"\n"))  # Left out in `data`.
    return tmp_path / "slots"


def test_journal_with_slots_is_read(
    slots: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Studies that earlier releases wrote would be lost."""
    before = {path: path.read_bytes() for path in slots.iterdir()}
    assert numbers(slots, read_only=True) == list(range(15))
    assert numbers(slots) == list(range(15))
    assert {path: path.read_bytes() for path in slots.iterdir()} == before
    assert {r.levelno for r in caplog.records} == {logging.WARNING}
    assert "Nobody can tell whether the last records" in caplog.text
    caplog.clear()
    assert numbers(slots) == list(range(15))  # From its opening on it can be told.
    assert not caplog.records


@pytest.mark.parametrize("write_on", [write, write_files])
def test_journal_with_slots_goes_on(slots: Path, write_on: Any) -> None:
    """Studies of earlier releases could not be resumed."""
    for count in (18, 21, 24):
        write_on(slots, 3, merge_after=2)
        assert numbers(slots) == list(range(count))


def test_torn_slot_is_set_aside(slots: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A slot torn by the crash that ended an earlier release would be trusted."""
    torn = slots / "slot-000000000001.jsonl"
    data = torn.read_bytes()
    # The first bytes are of the new commit, the others of an older one.
    torn.write_bytes(data[:64] + (slots / "slot-000000000002.jsonl").read_bytes()[64:])
    write(slots, 2)
    assert torn.name in caplog.text
    assert (slots / QUARANTINE / torn.name).exists()
    caplog.clear()
    assert numbers(slots) == [*range(14), 14, 15]
    assert not caplog.records


@pytest.mark.parametrize("kind", [Journal, RemoteJournal])
def test_reader_beside_a_writer_sees_all_up_to_some_record(
    tmp_path: Path,
    kind: type[Journal],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A report of a running search would lack trials, and warn of lost records."""
    journal = kind(str(tmp_path), "me", merge_after=3)
    written = 0

    def commit() -> None:
        nonlocal written
        journal.append({"number": written})
        journal.commit()
        written += 1

    monkeypatch.setattr(journal_module, "_SEGMENT_BYTES", 500)
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
            patch.setattr(journal_reading, "_content", read_and_be_overtaken)
            seen = numbers(tmp_path, read_only=True)
        assert len(seen) >= before
        assert seen == list(range(len(seen)))
    assert not caplog.records


def test_records_behind_a_lost_one_are_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One bad sector would cost every trial after it."""
    write(tmp_path, 6)
    (segment,) = files_of(tmp_path)
    damage.tear_commit(segment, 2)
    with caplog.at_level(logging.WARNING):
        assert numbers(tmp_path) == [0, 1, 3, 4, 5]
    assert segment.name in caplog.text
    assert "Records 3 to 3" in caplog.text
    assert [p.name for p in (tmp_path / QUARANTINE).iterdir()] == [segment.name]


def test_records_behind_a_lost_file_are_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One object that is garbage would cost every trial after it."""
    write_files(tmp_path, 6)
    victim = files_of(tmp_path)[2]
    victim.write_bytes(b"garbage")
    with caplog.at_level(logging.WARNING):
        assert numbers(tmp_path) == [0, 1, 3, 4, 5]
    assert victim.name in caplog.text
    assert "Records 3 to 3" in caplog.text
    assert [p.name for p in (tmp_path / QUARANTINE).iterdir()] == [victim.name]


@pytest.mark.parametrize("kind", [Journal, RemoteJournal])
def test_journal_with_a_gap_goes_on(tmp_path: Path, kind: type[Journal]) -> None:
    """Merging over a gap would number the records anew, or hide some."""
    write_files(tmp_path, 6)
    files_of(tmp_path)[2].unlink()
    journal = kind(str(tmp_path), "me", merge_after=4)
    for number in range(6, 12):
        journal.append({"number": number})
        journal.commit()
    expected = [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert numbers(tmp_path) == expected
    seqs = [record["seq"] for record in Journal(str(tmp_path), "me").records()]
    assert seqs == [number + 1 for number in expected]


def test_lost_segment_leaves_the_rest(tmp_path: Path) -> None:
    """A damaged segment would take the journal with it."""
    write_files(tmp_path, 9, merge_after=3)
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
    write(tmp_path, 2)
    write_files(tmp_path, 3, merge_after=2)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".commit.1.tmp").write_text("half")
    before = sorted(tmp_path.iterdir())
    assert numbers(tmp_path, read_only=True) == list(range(5))
    assert sorted(tmp_path.iterdir()) == before
    missing = tmp_path / "missing"
    assert numbers(missing, read_only=True) == []
    assert not missing.exists()


@pytest.mark.parametrize("name", ["segment-000000000001.jsonl", "piece-1.jsonl"])
def test_newer_format_touches_nothing(tmp_path: Path, name: str) -> None:
    """An older release would set a newer one's files aside, and lose the study."""
    write(tmp_path, 2)
    (tmp_path / "notes.txt").write_text("mine")
    newest = files_of(tmp_path)[-1]
    newest.write_bytes(newest.read_bytes().replace(b'"format": 6', b'"format": 9'))
    newest.rename(tmp_path / name)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(StudyVersionError, match="format 9"):
        Journal(str(tmp_path), "me")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("kind", [Journal, RemoteJournal])
def test_full_disk_keeps_what_was_committed_and_goes_on_later(
    mount: Mount, kind: type[Journal]
) -> None:
    """A full disk would lose records, or end the study for good."""
    directory = mount("size=300k,nr_inodes=60")
    in_the_way = directory / "in_the_way"
    in_the_way.write_bytes(bytes(100_000))
    path = directory / "journal"
    journal = kind(str(path), "me", merge_after=1000)
    committed = 0
    with pytest.raises(StorageError, match="Free some space"):
        for committed in range(200):
            journal.append({"number": committed, "filler": "x" * 5000})
            journal.commit()
    assert 5 < committed < 60
    assert numbers(path, read_only=True) in (
        list(range(committed)),
        list(range(committed + 1)),  # All but the room behind it was written.
    )
    in_the_way.unlink()
    for _ in range(2):
        committed += 1
        journal.append({"number": committed})
        journal.commit()
    assert numbers(path) == list(range(committed + 1))
    assert not (path / QUARANTINE).exists()


def test_failed_merge_is_no_failed_commit(mount: Mount) -> None:
    """A disk too full for a second copy would end a search whose results are safe."""
    directory = mount("size=100k")
    write_files(directory, 12, merge_after=10, filler="x" * 5000)
    assert numbers(directory, read_only=True) == list(range(12))
    assert files_of(directory, "segment") == []


def test_readonly_filesystem_is_explained(mount: Mount) -> None:
    """Nobody would be told what to do."""
    with pytest.raises(StorageError, match="choose another study directory"):
        Journal(str(mount("ro") / "journal"), "me")


@pytest.mark.parametrize("kind", [Journal, RemoteJournal])
@pytest.mark.parametrize("lost", [1, 3, 6])
def test_lost_end_is_missed(
    tmp_path: Path, kind: type[Journal], lost: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A search would be taken for one with fewer results, and another trial be best."""
    write(tmp_path, 6, kind)
    if kind is Journal:
        damage.lose_commits(files_of(tmp_path)[0], range(6 - lost, 6))
    else:
        for path in files_of(tmp_path)[6 - lost :]:
            path.unlink()
    journal = Journal(str(tmp_path), "me", read_only=True)
    assert journal.missing == ((7 - lost, 6),)
    assert f"Records {7 - lost} to 6" in caplog.text
    # Who goes on leaves the numbers of what is lost: should it turn up, all fit.
    write(tmp_path, 1, kind)
    seqs = [record["seq"] for record in Journal(str(tmp_path), "me").records()]
    assert seqs == [*range(1, 7 - lost), 7]


def test_lost_end_that_turns_up_is_used_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A backup could not be played back."""
    write_files(tmp_path, 3)
    last = files_of(tmp_path)[-1]
    data = last.read_bytes()
    last.unlink()
    write(tmp_path, 2)
    last.write_bytes(data)
    caplog.clear()
    assert len(numbers(tmp_path)) == 5
    assert not caplog.records


def test_older_copy_of_the_segment_is_noticed(tmp_path: Path) -> None:
    """Results would be lost with a file that was put back from a backup."""
    journal = Journal(str(tmp_path), "me")
    for number in range(6):
        if number == 3:
            older = files_of(tmp_path)[0].read_bytes()
        journal.append({"number": number})
        journal.commit()
    files_of(tmp_path)[0].write_bytes(older)
    assert Journal(str(tmp_path), "me", read_only=True).missing == ((4, 6),)


def test_crash_between_a_commit_and_its_mark_is_no_loss(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each kill could warn of lost records."""
    write(tmp_path, 3)
    assert not crashes.run(lambda: write(tmp_path, 2), "journal.commit.after:2")
    journal = Journal(str(tmp_path), "me")
    assert journal.end.records == 5
    assert not journal.missing and not caplog.records


def test_record_that_is_none_has_no_kind(tmp_path: Path) -> None:
    """A forged file would end in a traceback, or go unnoticed."""
    block = journal_file.Block(1, (b"null", b"[]"))
    data = journal_file.encode("me", block)
    (tmp_path / "segment-000000000001.jsonl").write_bytes(data)
    told = [{"kind": None, "seq": 1}, {"kind": None, "seq": 2}]
    assert list(Journal(str(tmp_path), "me").records()) == told


def test_file_of_another_copy_of_the_study_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Results of another run of the same search would be mixed in."""
    write(tmp_path / "own", 6)
    write(tmp_path / "other", 8, filler="other")
    (foreign,) = files_of(tmp_path / "other")
    shutil.copy(foreign, tmp_path / "own" / "segment-000000000009.jsonl")
    journal = Journal(str(tmp_path / "own"), "me")
    assert {record["filler"] for record in journal.records()} == {""}
    assert journal.is_right and not journal.missing
    assert "contradict" in caplog.text
    (aside,) = (tmp_path / "own" / QUARANTINE).iterdir()
    assert aside.name == "segment-000000000009.jsonl"


def test_journal_in_the_place_of_another_is_noticed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Results of another run of the same search would pass for those of this one."""
    write(tmp_path / "own", 6)
    write(tmp_path / "other", 8, filler="other")
    shutil.rmtree(tmp_path / "own")
    shutil.copytree(tmp_path / "other", tmp_path / "own")
    assert not Journal(str(tmp_path / "own"), "me", read_only=True).is_right
    assert "other records than were committed" in caplog.text


@contextlib.contextmanager
def taken_over() -> Iterator[Callable[[], None]]:
    """As the lock of a search that notices behind a write that another took over."""

    def require_right() -> None:
        raise StudyLockedError("another has it")

    yield require_right


@pytest.mark.parametrize("kind", [Journal, RemoteJournal])
def test_late_commit_is_beside_those_of_the_newer_run(
    tmp_path: Path, kind: type[Journal], caplog: pytest.LogCaptureFixture
) -> None:
    """It would be written over a record of the newer run, or be taken for it."""
    path = tmp_path / "journal"
    old = kind(str(path), "me", merge_after=4)
    for number in range(3):
        old.append({"number": number})
        old.commit()
    write(path, 2, kind, merge_after=4)
    old.append({"number": "late"})
    with pytest.raises(StudyLockedError):
        old.commit(taken_over)
    assert old.end.records == 3
    mark = mark_of(path).read_bytes()
    for read_only in (True, False):
        assert numbers(path, read_only=read_only) == [0, 1, 2, 3, 4]
    assert caplog.text.count("written late, by a run") == 2
    # Its own mark, and what it would merge, do not know of the late one.
    old.close()
    assert b'"records": 3, ' in mark_of(path).read_bytes()
    caplog.clear()
    assert numbers(path, read_only=True) == [0, 1, 2, 3, 4]
    assert "was written by an earlier run" in caplog.text
    mark_of(path).write_bytes(mark)
    assert len(list((path / QUARANTINE).iterdir())) == 1
    caplog.clear()
    assert numbers(path) == [0, 1, 2, 3, 4]
    assert not caplog.records


@pytest.mark.parametrize("kind", [Journal, RemoteJournal])
def test_copy_made_while_it_is_written_is_whole_or_says_what_it_lacks(
    tmp_path: Path, kind: type[Journal]
) -> None:
    """A copy of a running study would lack results without a word."""
    journal = kind(str(tmp_path / "journal"), "me", merge_after=3)

    def commit() -> None:
        journal.append({"number": 0})
        journal.commit()

    for mark_first in (False, True):
        for _ in range(8):
            commit()
        acknowledged = journal.end.records
        # A listing, and then file after file, as a slow copy is made.
        source = mark_of(tmp_path / "journal")
        found = files_of(tmp_path / "journal")
        copied = [source, *found] if mark_first else [*found, source]
        target = tmp_path / str(mark_first)
        (target / "journal").mkdir(parents=True)
        for path in copied:
            commit()
            if path.exists():
                shutil.copy(path, target / path.relative_to(tmp_path))
        copy = Journal(str(target / "journal"), "me", read_only=True)
        known = {record["seq"] for record in copy.records()}
        for first, last in copy.missing:
            known |= set(range(first, last + 1))
        assert known >= set(range(1, acknowledged + 1))
