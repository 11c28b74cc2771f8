"""Which stores write on condition: see `conditional`."""

import logging
import uuid
from collections.abc import Callable, Mapping

from tuner_component.search.errors import StorageError
from tuner_component.search.storage import conditional, files
from tuner_component.search.storage.amazon_store import AmazonStore
from tuner_component.search.storage.google_store import GoogleStore

_STORES: Mapping[str, Callable[[], GoogleStore | AmazonStore]] = {
    "gs": GoogleStore,
    "s3": AmazonStore,
}

_log = logging.getLogger(__name__)


def opened(directory: str) -> conditional.Store | None:
    """The store of a directory, if it writes on condition; if not, the log says why.

    Args:
        directory: Path or URI; to try the store, a file is made in it and removed.
    """
    make = _STORES.get(directory.partition("://")[0])
    if make is None:
        _log.info("No conditions can be put on what is written to %s.", directory)
        return None
    try:
        store = make()
        why = _fault(store, files.join(directory, f"try-{uuid.uuid4().hex}"))
        if not why:
            return store
    except StorageError as error:
        why = str(error.__cause__ or error)
    _log.warning(
        "No conditions are put on what is written to %s, as with other filesystems: %s. "
        "Two searches at once are then told apart by what they read of its lease.",
        directory,
        why.rstrip("."),
    )
    return None


def _fault(store: GoogleStore | AmazonStore, path: str) -> str:
    """Why a store cannot be used; empty if it can.

    Some servers speak a store's language and take no notice of one condition or the other.
    """
    is_heeded = not _accepts(store, path, store.impossible)
    if is_heeded:
        store.put(path, b"", None)
        is_heeded = not _accepts(store, path, None)
    if (found := store.read(path)) is not None:
        store.remove(path, found.version)
    return "" if is_heeded else "the store takes no notice of conditions"


def _accepts(store: conditional.Store, path: str, version: str | None) -> bool:
    try:
        store.put(path, b"", version)
    except conditional.RefusedError:
        return False
    return True
