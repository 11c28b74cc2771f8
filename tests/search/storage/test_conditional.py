"""A file is replaced as this process knows it, where its store can see to that."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import buckets
from tuner_component.search.storage import stores
from tuner_component.search.storage.conditional import File, RefusedError, Store

URI = "gs://b/file"


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[Store]:
    with buckets.serving(tmp_path) as bucket:
        (bucket.directory / "b").mkdir()
        store = stores.opened("gs://b")
        assert store is not None
        yield store


def test_own_writes_follow_each_other(store: Store) -> None:
    """A search could renew its lease once, and no more."""
    file = File(URI, store)
    for data in (b"one", b"two", b"three"):
        file.write(data)
        assert file.read() == data
    file.remove()
    with pytest.raises(FileNotFoundError):
        file.read()
    file.write(b"four")


def test_what_another_has_written_is_not_replaced(store: Store) -> None:
    """A search that had lost its study would write over what another says of it."""
    ours, theirs = File(URI, store), File(URI, store)
    ours.write(b"ours")
    assert theirs.read() == b"ours"
    theirs.write(b"theirs")
    with pytest.raises(RefusedError):
        ours.write(b"late")
    with pytest.raises(RefusedError):
        ours.remove()
    assert ours.read() == b"theirs"
    ours.write(b"ours again")  # It knows now what it replaces.


def test_file_that_was_not_read_is_looked_at_first(store: Store) -> None:
    """A search could not go on with what an earlier one has left."""
    File(URI, store).write(b"one")
    File(URI, store).write(b"two")
    assert File(URI, store).read() == b"two"
    File(URI, store).remove()
    File(URI, store).remove()


def test_without_a_store_the_last_one_wins(tmp_path: Path) -> None:
    """A search on a filesystem without conditions could not replace anything."""
    ours, theirs = File(str(tmp_path / "file")), File(str(tmp_path / "file"))
    ours.write(b"ours")
    theirs.write(b"theirs")
    ours.write(b"late")
    assert theirs.read() == b"late"
    ours.remove()
    with pytest.raises(FileNotFoundError):
        theirs.read()
