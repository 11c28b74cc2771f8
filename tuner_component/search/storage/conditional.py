"""Writing on condition that nobody else has written.

TensorFlow's file interface replaces what is there, whoever has written it. The stores of
Google and Amazon can do better: a request may name the version of the object that it
replaces, or say that there must be none, and is refused if that is not so. Of several
that write at a time, one succeeds, and what is late changes nothing.

`stores` says where that is possible.
"""

import contextlib
from typing import NamedTuple, Protocol

from tuner_component.search.errors import StudyLockedError
from tuner_component.search.storage import files


class RefusedError(StudyLockedError):
    """Another has written where this process wanted to; nothing was changed."""


class Found(NamedTuple):
    """An object, and what its store calls this version of it."""

    data: bytes
    version: str


class Store(Protocol):
    """Objects by their URIs. Every method may raise a StorageError."""

    def read(self, path: str) -> Found | None:
        """An object; None if there is none of that name."""

    def put(self, path: str, data: bytes, version: str | None) -> str:
        """Writes an object if it has a version, or does not exist if that is None.

        Returns:
            Its new version.

        Raises:
            RefusedError: It does not; nothing was written.
        """

    def remove(self, path: str, version: str) -> None:
        """Removes an object if it has a version.

        Raises:
            RefusedError: It has another one, or is not there.
        """


def put(store: Store, path: str, data: bytes, version: str | None) -> str:
    """The same as `Store.put`, however often the request is sent.

    If an answer is lost on its way, the request is sent again, and refused because it had
    succeeded. So after a refusal it is what is there that counts.

    Args:
        store: Where.
        path: The object.
        data: Its content; nobody else writes the same there.
        version: Which one it replaces; None creates it.

    Raises:
        RefusedError: There is something else.
    """
    try:
        return store.put(path, data, version)
    except RefusedError:
        found = store.read(path)
        if found is None or found.data != data:
            raise
        return found.version


class File:
    """A file that all searches call by one name, and replace as they know it.

    Without a store, a write replaces whatever is there.
    """

    def __init__(self, path: str, store: Store | None = None) -> None:
        """Reads nothing yet.

        Args:
            path: Path or URI.
            store: Of the URI, if it writes on condition.
        """
        self._path = path
        self._store = store
        self._is_known = store is None
        self._version: str | None = None

    def read(self) -> bytes:
        """Its content; from here on this is the version that a write replaces.

        Raises:
            FileNotFoundError: It is not there.
            StorageError: It cannot be read.
        """
        if self._store is None:
            return files.read_bytes(self._path)
        found = self._store.read(self._path)
        self._is_known, self._version = True, found and found.version
        if found is None:
            raise FileNotFoundError(self._path)
        return found.data

    def write(self, data: bytes) -> None:
        """Replaces what was read or written here last.

        Args:
            data: The whole content; no other search writes the same.

        Raises:
            RefusedError: It was changed since.
            StorageError: It cannot be written.
        """
        if self._store is None:
            files.write_bytes(self._path, data)
            return
        self._look()
        self._version = put(self._store, self._path, data, self._version)

    def remove(self) -> None:
        """Removes what was read or written here last.

        Raises:
            RefusedError: It was changed since.
            StorageError: It cannot be removed.
        """
        if self._store is None:
            files.remove(self._path)
            return
        self._look()
        if self._version is not None:
            self._store.remove(self._path, self._version)

    def _look(self) -> None:
        if not self._is_known:
            with contextlib.suppress(FileNotFoundError):
                self.read()


def refusal(path: str) -> RefusedError:
    """What to tell a user when a store refuses to write."""
    return RefusedError(
        f"Expected {path} to be as this search knows it. Received: another search has "
        "changed it, and has taken over the study. This one stops, and has not written "
        "it. Run it again when the other one has ended: it goes on from what was "
        "committed."
    )


def split(path: str) -> tuple[str, str]:
    """The bucket that a URI names, and the object in it."""
    bucket, _, name = path.partition("://")[2].partition("/")
    return bucket, name
