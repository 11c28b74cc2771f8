"""Each number of a journal is given once, where the store writes on condition."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import buckets
from tuner_component.search.errors import StorageError, StudyLockedError
from tuner_component.search.journal.journal import Journal
from tuner_component.search.storage import stores
from tuner_component.search.storage.conditional import Store

URI = "gs://b/journal"


@pytest.fixture(name="bucket")
def _bucket(tmp_path: Path) -> Iterator[buckets.Bucket]:
    with buckets.serving(tmp_path) as bucket:
        (bucket.directory / "b").mkdir()
        yield bucket


@pytest.fixture(name="store")
def _store(bucket: buckets.Bucket) -> Store:
    store = stores.opened("gs://b")
    assert store is not None
    return store


@pytest.fixture(name="opened")
def _opened(store: Store) -> Callable[..., Journal]:
    def opened(**kwargs: Any) -> Journal:
        journal = Journal(URI, "me", store=store, **kwargs)
        journal.claim()
        return journal

    return opened


def tell(journal: Journal, *numbers: int) -> None:
    for number in numbers:
        journal.append({"kind": "told", "number": number})
    journal.commit()


def numbers() -> list[int]:
    journal = Journal(URI, "me", read_only=True)
    assert journal.is_right and not journal.missing
    return [r["number"] for r in journal.records() if r["kind"] == "told"]


def names(bucket: buckets.Bucket) -> list[str]:
    return sorted(path.name for path in (bucket.directory / "b" / "journal").iterdir())


def test_records_come_back(opened: Callable[..., Journal]) -> None:
    """A search in a bucket would lose its results."""
    for run in range(3):
        journal = opened()
        tell(journal, 2 * run)
        tell(journal, 2 * run + 1)
    assert numbers() == list(range(6))


@pytest.mark.parametrize("commits", [0, 1, 9])
def test_replaced_run_commits_nothing(
    opened: Callable[..., Journal], bucket: buckets.Bucket, commits: int
) -> None:
    """What it says it has committed would not be there; however late it wakes."""
    old = opened(merge_after=4)
    tell(old, 0)
    new = opened(merge_after=4)
    for number in range(commits):
        tell(new, number + 1)
    before = names(bucket)
    for _ in range(2):
        with pytest.raises(StudyLockedError, match="has taken over the study"):
            tell(old, 77)
    assert names(bucket) == before
    third = opened(merge_after=4)
    for number in range(commits):
        tell(third, number + commits + 1)
    with pytest.raises(StudyLockedError):
        tell(old, 78)
    with pytest.raises(StudyLockedError):
        tell(new, 79)
    assert numbers() == list(range(2 * commits + 1))


def test_one_of_two_claims(store: Store) -> None:
    """Two searches that open the journal at once would both go on."""
    journals = [Journal(URI, "me", store=store) for _ in range(2)]
    journals[1].claim()
    with pytest.raises(StudyLockedError):
        journals[0].claim()


def test_commit_that_was_overtaken_ends_the_opening(
    opened: Callable[..., Journal], store: Store
) -> None:
    """A result that the search before has told of would be written over."""
    old = opened()
    new = Journal(URI, "me", store=store)  # It has read, and has no claim yet.
    tell(old, 0)
    with pytest.raises(StudyLockedError):
        new.claim()
    opened()
    assert numbers() == [0]


def test_mark_of_a_replaced_run_is_refused(
    opened: Callable[..., Journal], bucket: buckets.Bucket
) -> None:
    """Readers would not know whether the last records are there."""
    old = opened()
    new = opened()
    tell(new, 1)
    mark = (bucket.directory / "b" / "journal.end").read_bytes()
    with pytest.raises(StudyLockedError, match="journal.end"):
        old.close()
    assert (bucket.directory / "b" / "journal.end").read_bytes() == mark
    new.close()


class Unreliable:
    """A store that says of a write that it failed, although it had not."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fails = False
        self.read, self.remove = store.read, store.remove

    def put(self, path: str, data: bytes, version: str | None) -> str:
        written = self._store.put(path, data, version)
        if self.fails and "commit" in path:
            raise StorageError("no answer")
        return written


@pytest.mark.parametrize("more", [0, 2])
@pytest.mark.parametrize("is_overtaken", [False, True])
def test_commit_that_only_seemed_to_fail_counts_once(
    store: Store, opened: Callable[..., Journal], more: int, is_overtaken: bool
) -> None:
    """Its records would be there twice, or one that a successor has read be replaced."""
    unreliable = Unreliable(store)
    journal = Journal(URI, "me", store=unreliable)
    journal.claim()
    unreliable.fails = True
    with pytest.raises(StorageError):
        tell(journal, 0, 1)
    unreliable.fails = False
    if is_overtaken:
        opened()
        if more:
            with pytest.raises(StudyLockedError):
                tell(journal, 2, 3)
        assert numbers() == [0, 1]
        return
    tell(journal, *range(2, 2 + more))
    tell(journal, 77)
    expected = [0, 1, *range(2, 2 + more), 77]
    assert numbers() == expected
    tell(opened(), 78)
    assert numbers() == [*expected, 78]


def test_commit_for_a_study_that_was_removed_is_set_aside(
    opened: Callable[..., Journal], bucket: buckets.Bucket
) -> None:
    """The study that was begun in its place could not be gone on with."""
    removed = opened()
    tell(removed, 77)
    shutil.rmtree(bucket.directory / "b" / "journal")
    (bucket.directory / "b" / "journal.end").unlink()
    journal = opened()
    tell(removed, 78)  # It is the third record of its own journal.
    tell(journal, 0)
    with pytest.raises(StudyLockedError):
        tell(journal, 1)
    tell(opened(), 2)
    assert numbers() == [0, 2]
    (stray,) = (bucket.directory / "b" / "journal" / "quarantine").iterdir()
    assert stray.name == "commit-000000000003.jsonl"


def test_claims_stay_when_commits_are_merged(
    opened: Callable[..., Journal], bucket: buckets.Bucket
) -> None:
    """An earlier run could commit again, under a number that has become free."""
    for run in range(3):
        journal = opened(merge_after=4)
        for number in range(9):
            tell(journal, 9 * run + number)
    opened()
    kept = [name for name in names(bucket) if name.startswith("commit")]
    assert {f"commit-{first:012d}.jsonl" for first in (1, 11, 21, 31)} <= set(kept)
    assert len(kept) < 12
    assert numbers() == list(range(27))


def test_conditions_follow_a_run_without_them(
    opened: Callable[..., Journal],
) -> None:
    """A study that was begun without the library could not be gone on with, or back."""
    tell(Journal(URI, "me"), 0)
    tell(opened(), 1)
    tell(Journal(URI, "me"), 2)
    opened()
    assert numbers() == [0, 1, 2]


def test_lost_answer_costs_nothing(
    opened: Callable[..., Journal], bucket: buckets.Bucket
) -> None:
    """A search would end because a connection broke at the wrong moment."""
    journal = opened()
    bucket.loses = 1
    tell(journal, 0)
    tell(journal, 1)
    assert numbers() == [0, 1]
