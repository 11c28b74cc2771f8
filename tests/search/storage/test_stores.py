"""Stores write on condition, through the libraries that people have, or are not used."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import buckets
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import conditional, stores
from tuner_component.search.storage.conditional import RefusedError

LIBRARIES = {"gs": "google.cloud.storage", "s3": "boto3"}
MOTO = "moto"


@pytest.fixture(name="bucket")
def _bucket(tmp_path: Path) -> Iterator[buckets.Bucket]:
    with buckets.serving(tmp_path / "objects") as bucket:
        (bucket.directory / "bucket").mkdir(parents=True)
        yield bucket


@pytest.fixture(name="scheme", params=LIBRARIES)
def _scheme(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(LIBRARIES[request.param])
    return str(request.param)


@pytest.fixture(name="uri", params=[*LIBRARIES, MOTO])
def _uri(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name in an empty bucket, also in one of a server that others have written."""
    kind = request.param
    pytest.importorskip(LIBRARIES.get(kind, MOTO))
    name = "bucket/study/a file, 100%.é"
    if kind == MOTO:
        with buckets.serving_moto("bucket"):
            yield f"s3://{name}"
    else:
        request.getfixturevalue("bucket")
        yield f"{kind}://{name}"


@pytest.fixture(name="store")
def _store(uri: str) -> conditional.Store:
    store = stores.opened(uri.rpartition("/")[0])
    assert store is not None
    return store


def _told(caplog: pytest.LogCaptureFixture) -> str:
    """The only message that is ours: the stores' libraries have their own."""
    (record,) = [one for one in caplog.records if one.name.startswith("tuner_")]
    return record.getMessage()


def test_object_is_read_as_it_was_written(store: conditional.Store, uri: str) -> None:
    """What a search has committed would come back altered, or as another's."""
    assert store.read(uri) is None
    data = b"\x00\r\n\xff--\r\n\r\n" * 1000
    version = store.put(uri, data, None)
    assert store.read(uri) == (data, version)


def test_one_creates(store: conditional.Store, uri: str) -> None:
    """Two searches would each believe that a lease, or a number, is theirs."""
    store.put(uri, b"one", None)
    with pytest.raises(RefusedError, match=r"Expected .*a file.* Run it again"):
        store.put(uri, b"two", None)
    found = store.read(uri)
    assert found is not None and found.data == b"one"


def test_what_has_changed_is_not_replaced(store: conditional.Store, uri: str) -> None:
    """A search that wakes late would write over its successor's lease."""
    old = store.put(uri, b"one", None)
    new = store.put(uri, b"two", old)
    with pytest.raises(RefusedError):
        store.put(uri, b"late", old)
    with pytest.raises(RefusedError):
        store.remove(uri, old)
    assert store.read(uri) == (b"two", new)
    store.remove(uri, new)
    assert store.read(uri) is None


def test_what_is_gone_is_not_made_again(store: conditional.Store, uri: str) -> None:
    """A lease that somebody removed to end a search would come back."""
    version = store.put(uri, b"one", None)
    store.remove(uri, version)
    with pytest.raises(RefusedError):
        store.put(uri, b"two", version)
    assert store.read(uri) is None


def test_lost_answer_is_no_refusal(scheme: str, bucket: buckets.Bucket) -> None:
    """A connection that breaks at the wrong moment would end a search."""
    uri = f"{scheme}://bucket/study/file"
    store = stores.opened(f"{scheme}://bucket/study")
    assert store is not None
    first = conditional.put(store, uri, b"one", None)
    written = len(bucket.puts)
    bucket.loses = 1
    second = conditional.put(store, uri, b"two", first)
    assert store.read(uri) == (b"two", second)
    assert bucket.loses == 0
    assert len(bucket.puts) == written + 1  # What was sent again was refused.


@pytest.mark.parametrize("heeded", [(), ("version",), ("none",)])
def test_store_without_conditions_is_not_used(
    scheme: str,
    bucket: buckets.Bucket,
    heeded: tuple[str, ...],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Searches would rely on a store that lets each of them write."""
    bucket.heeds = set(heeded)
    assert stores.opened(f"{scheme}://bucket/study") is None
    told = _told(caplog)
    assert (
        "takes no notice of conditions" in told and f"{scheme}://bucket/study" in told
    )
    assert not [path for path in bucket.directory.rglob("*") if path.is_file()]


def test_store_that_refuses_this_process_is_not_used(
    scheme: str, bucket: buckets.Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    """A search would fail that TensorFlow, with rights of its own, lets write."""
    bucket.refuses = True
    assert stores.opened(f"{scheme}://bucket/study") is None
    told = _told(caplog)
    assert "AccessDenied" in told and "are put on" in told


def test_without_the_library_a_search_goes_on(
    scheme: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody could search in a bucket who has TensorFlow alone."""
    monkeypatch.setitem(sys.modules, LIBRARIES[scheme], None)
    monkeypatch.delattr("google.cloud.storage", raising=False)
    assert stores.opened(f"{scheme}://bucket/study") is None
    told = _told(caplog)
    assert LIBRARIES[scheme] in told


@pytest.mark.parametrize("path", ["/study", "file:///study", "ram://study"])
def test_other_filesystems_take_no_conditions(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A directory without locks could not be searched in."""
    with caplog.at_level(logging.INFO):
        assert stores.opened(path) is None
    told = _told(caplog)
    assert told.startswith("No conditions") and path in told


def test_failure_is_explained(scheme: str, bucket: buckets.Bucket) -> None:
    """A search would end with a traceback of a library that nobody has called."""
    uri = f"{scheme}://bucket/study/file"
    store = stores.opened(f"{scheme}://bucket/study")
    assert store is not None
    bucket.refuses = True
    with pytest.raises(StorageError, match="Expected to write .*AccessDenied"):
        store.put(uri, b"", None)
    with pytest.raises(StorageError, match="Expected to read .*AccessDenied"):
        store.read(uri)
    with pytest.raises(StorageError, match="Expected to remove .*AccessDenied"):
        store.remove(uri, "1")
