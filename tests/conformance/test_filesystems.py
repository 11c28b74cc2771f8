"""What studies rely on holds on every kind of filesystem."""

import itertools
import json
import time

import pytest

from tests.support import simulation
from tuner_component.search.errors import StudyLockedError, StudyMismatchError
from tuner_component.search.journal.journal import Journal
from tuner_component.search.journal.journal_reading import QUARANTINE
from tuner_component.search.storage import faults, files
from tuner_component.search.study.study import Study, StudyState


def test_file_is_read_as_it_was_written(root: str) -> None:
    """Every record of a study would come back altered."""
    path = files.join(root, "file")
    files.write_bytes(path, b"\x00\n\xff" * 1000)
    assert files.read_bytes(path) == b"\x00\n\xff" * 1000


def test_writing_again_replaces(root: str) -> None:
    """A study could never be marked finished."""
    path = files.join(root, "file")
    files.write_bytes(path, b"a long first content")
    files.write_bytes(path, b"short")
    assert files.read_bytes(path) == b"short"
    assert files.list_names(root) == ["file"]


def test_missing_file_is_told_apart(root: str) -> None:
    """A new study would look like broken storage."""
    with pytest.raises(FileNotFoundError):
        files.read_bytes(files.join(root, "nothing"))
    assert not files.exists(files.join(root, "nothing"))
    assert files.list_names(files.join(root, "nothing")) == []
    files.remove(files.join(root, "nothing"))
    files.remove_tree(files.join(root, "nothing"))


def test_directories_come_and_go(root: str) -> None:
    """Trials would have no place for their logs, or keep it for ever."""
    deep = files.join(root, "a", "b", "c")
    files.makedirs(deep)
    files.makedirs(deep)
    files.write_bytes(files.join(deep, "file"), b"x")
    assert files.list_names(files.join(root, "a")) == ["b"]
    files.remove_tree(files.join(root, "a"))
    assert not files.exists(files.join(root, "a"))


def test_file_moves(root: str) -> None:
    """A damaged file could not be set aside."""
    files.write_bytes(files.join(root, "old"), b"x")
    files.move(files.join(root, "old"), files.join(root, "new"))
    assert files.list_names(root) == ["new"]
    assert files.read_bytes(files.join(root, "new")) == b"x"


def test_journal_keeps_records_over_merges(root: str) -> None:
    """Records would be lost, doubled or shuffled when commits are merged."""
    directory = files.join(root, "journal")
    for _ in range(3):
        journal = Journal(directory, "me", merge_after=4)
        for _ in range(7):
            journal.append({"kind": "x"})
            journal.commit()
    journal = Journal(directory, "me", merge_after=4)
    assert [record["seq"] for record in journal.records()] == list(range(1, 22))
    assert len(files.list_names(directory)) < 12


class _CrashError(BaseException):
    """What no code but a test's handles."""


@pytest.mark.parametrize("nth", range(1, 12))
def test_interrupted_merge_loses_and_doubles_nothing(
    root: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash while merged commits are deleted would lose records, or count them twice.

    A filesystem in memory dies with its process, so an exception stands for the crash.
    """
    directory = files.join(root, "journal")
    passed = itertools.count(1)

    def point(name: str) -> None:
        if name.startswith("journal.merge") and next(passed) == nth:
            raise _CrashError

    monkeypatch.setattr(faults, "point", point)
    journal = Journal(directory, "me", merge_after=4)
    for number in range(10):
        journal.append({"number": number})
        try:
            journal.commit()
        except _CrashError:
            journal = Journal(directory, "me", merge_after=4)
    found = [r["number"] for r in Journal(directory, "me").records()]
    assert found == list(range(10))


def test_torn_file_is_set_aside(root: str) -> None:
    """A half-written file would be trusted, or stop every later run."""
    directory = files.join(root, "journal")
    journal = Journal(directory, "me")
    for number in range(3):
        journal.append({"number": number})
        journal.commit()
    victim = files.join(directory, files.list_names(directory)[-1])
    files.write_bytes(victim, files.read_bytes(victim).rstrip()[:-5])
    assert [r["number"] for r in Journal(directory, "me").records()] == [0, 1]
    assert len(files.list_names(files.join(directory, QUARANTINE))) == 1


@pytest.mark.parametrize("kind", ["random", "stateful"])
def test_search_goes_on_where_it_was(root: str, kind: str) -> None:
    """A search would begin anew, or differ after the interruption."""
    undisturbed, disturbed = files.join(root, "one"), files.join(root, "two")
    simulation.search(undisturbed, kind)
    simulation.search_some(disturbed, kind, trials=3)
    simulation.search(disturbed, kind)
    assert simulation.results(disturbed) == simulation.results(undisturbed)


def test_one_driver_at_a_time(root: str) -> None:
    """Two drivers would write over each other's records."""
    directory = files.join(root, "study")
    study = Study.open(directory, simulation.FINGERPRINT)
    with pytest.raises(StudyLockedError, match="pid"):
        Study.open(directory, simulation.FINGERPRINT)
    study.close()
    Study.open(directory, simulation.FINGERPRINT).close()


def test_one_driver_at_a_time_whatever_the_clocks_say(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results that people were told of would be hidden by another search's."""
    directory, clock = files.join(root, "study"), time.time
    with Study.open(directory, simulation.FINGERPRINT) as study:
        monkeypatch.setattr(time, "time", lambda: clock() + 300)
        with pytest.raises(StudyLockedError, match="pid"):
            Study.open(directory, simulation.FINGERPRINT)
        study.journal.append({"kind": "told"})
        study.commit()
    with Study.open(directory, simulation.FINGERPRINT) as study:
        assert "told" in [record["kind"] for record in study.journal.records()]


def test_finished_study_is_only_read(root: str) -> None:
    """A finished search would be extended by accident."""
    directory = files.join(root, "study")
    simulation.search(directory, "random")
    names = files.list_names(files.join(directory, "journal"))
    with Study.open(directory, simulation.FINGERPRINT) as study:
        assert study.found is StudyState.FINISHED
        assert len(list(study.journal.records())) > 16
    assert files.list_names(files.join(directory, "journal")) == names


def test_other_search_is_refused(root: str) -> None:
    """Trials of another search would be taken for this one's."""
    directory = files.join(root, "study")
    Study.open(directory, {"data": "a", "module": "m"}).close()
    with pytest.raises(StudyMismatchError, match=r"data \(was a, is b\)"):
        Study.open(directory, {"data": "b", "module": "m"})


def test_damaged_description_costs_nothing(root: str) -> None:
    """One torn file would orphan a study whose journal is whole."""
    directory = files.join(root, "study")
    simulation.search_some(directory, "random", trials=2)
    path = files.join(directory, "study.json")
    seed = json.loads(files.read_bytes(path))["seed"]
    files.write_bytes(path, b'{"format": 1, "se')
    with Study.open(directory, simulation.FINGERPRINT) as study:
        assert study.found is StudyState.RESUMED
        assert study.seed == seed
    assert len(simulation.history(directory).trials) == 2
