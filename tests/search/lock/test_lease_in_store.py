"""A lease where the store writes on condition: one has it, and what is late is refused."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import buckets
from tuner_component.search.errors import StorageError, StudyLockedError
from tuner_component.search.lock import lease as lease_lib
from tuner_component.search.lock import owner
from tuner_component.search.lock.lease import Lease
from tuner_component.search.lock.lock import StudyLock
from tuner_component.search.storage import conditional, files, stores

URI = "gs://b/lease.json"
LIMIT_S = 60


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_lib, "SETTLE_S", 0.01)


@pytest.fixture(name="bucket")
def _bucket(tmp_path: Path) -> Iterator[buckets.Bucket]:
    with buckets.serving(tmp_path) as bucket:
        (bucket.directory / "b").mkdir()
        yield bucket


@pytest.fixture(name="store")
def _store(bucket: buckets.Bucket) -> conditional.Store:
    store = stores.opened("gs://b")
    assert store is not None
    return store


def new(store: conditional.Store | None, stale_after: float = 60.0) -> Lease:
    return Lease(URI, owner.describe(), stale_after=stale_after, store=store)


def leave_behind(bucket: buckets.Bucket, **content: Any) -> None:
    other = {"host": "elsewhere", "pid": 1, "namespace": "another", "token": "t"}
    with bucket.mutex:
        bucket.put("b/lease.json", json.dumps({**other, **content}).encode())


def told(bucket: buckets.Bucket) -> dict[str, Any]:
    content = (bucket.directory / "b" / "lease.json").read_bytes()
    return dict(json.loads(content))


def test_lease_is_taken_renewed_and_given_back(
    bucket: buckets.Bucket, store: conditional.Store
) -> None:
    """A search in a bucket would lose its lease to itself."""
    held = new(store)
    held.acquire()
    for _ in range(3):
        held._renew()
    assert told(bucket)["renewals"] == 4
    with pytest.raises(StudyLockedError, match="held by another"):
        new(store).acquire()
    held.release()
    assert not (bucket.directory / "b" / "lease.json").exists()
    again = new(store)
    again.acquire()
    again.release()


@pytest.mark.parametrize("is_stale", [True, False])
def test_of_two_that_write_at_once_one_gets_it(
    bucket: buckets.Bucket, store: conditional.Store, is_stale: bool
) -> None:
    """The slower one would write over a lease that the other one believes in."""
    if is_stale:
        leave_behind(bucket)
    winner, loser = new(store, stale_after=0.1), new(store, stale_after=0.1)
    loser._await_turn()  # It would write now.
    winner.acquire()
    with pytest.raises(StudyLockedError, match="held by another"):
        loser._write()
    with pytest.raises(StudyLockedError):
        loser.glance()
    loser.release()
    winner.look()
    winner.release()


def test_late_renewal_is_refused(
    bucket: buckets.Bucket, store: conditional.Store
) -> None:
    """A holder that woke late would end the search that had taken over."""
    held = new(store)
    held.acquire()
    arrived, go_on = threading.Event(), threading.Event()

    def before_put(name: str) -> None:
        arrived.set()
        assert go_on.wait(LIMIT_S)

    bucket.before_put = before_put
    failed: list[Exception] = []

    def renew() -> None:
        try:
            held._renew()
        except StudyLockedError as error:
            failed.append(error)

    renewer = threading.Thread(target=renew)
    renewer.start()  # It looks, and then its write is on its way.
    assert arrived.wait(LIMIT_S)
    leave_behind(bucket)
    go_on.set()
    renewer.join()
    assert "host elsewhere" in str(failed[0])
    assert told(bucket)["host"] == "elsewhere"
    with pytest.raises(StudyLockedError, match="elsewhere"), held.writing():
        pytest.fail("it wrote")
    held.release()
    assert told(bucket)["host"] == "elsewhere"


def test_lease_of_a_successor_is_not_given_back(
    bucket: buckets.Bucket, store: conditional.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that ends late would leave its successor without a lease."""
    held = new(store)
    held.acquire()
    look = held.look

    def look_and_sleep() -> None:
        look()
        leave_behind(bucket)

    monkeypatch.setattr(held, "look", look_and_sleep)
    held.release()
    assert told(bucket)["host"] == "elsewhere"


def test_late_renewal_that_is_not_refused_keeps_the_lease(
    store: conditional.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is slow for a while would cost the search."""
    held = new(store)
    held.acquire()
    held._renewed_at -= 61
    monkeypatch.setattr(lease_lib, "SETTLE_S", -1.0)  # Each write takes longer.
    held._renew()
    held.glance()
    held.release()


def test_search_without_conditions_is_noticed(
    bucket: buckets.Bucket, store: conditional.Store
) -> None:
    """A pod without the library, or an earlier release, would commit beside this one."""
    held = new(store)
    held.acquire()
    other = new(None)
    other._write()
    with pytest.raises(StudyLockedError):
        held._renew()
    other.look()
    held.release()
    other.release()


def test_two_servers_under_one_name_are_refused(
    tmp_path: Path, bucket: buckets.Bucket
) -> None:
    """What is committed through the one would not be found through the other."""
    (tmp_path / "other").mkdir()
    files._gfile = lambda: buckets.gfile(tmp_path / "other")
    lock = StudyLock("gs://b")
    with pytest.raises(StorageError, match="reach different servers"):
        lock.acquire()
    assert not (bucket.directory / "b" / "lease.json").exists()


def test_study_in_a_store_is_locked_on_condition(bucket: buckets.Bucket) -> None:
    """Nobody would notice if conditions were not used at all."""
    lock = StudyLock("gs://b")
    lock.acquire()
    assert lock.store is not None
    with pytest.raises(StudyLockedError):
        StudyLock("gs://b").acquire()
    lock.release()
