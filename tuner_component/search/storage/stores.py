"""Which stores write on condition: see `conditional`."""

import contextlib
import logging
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
        directory: Path or URI; one file is made in it, and removed, where a store takes
            no notice of conditions.
    """
    make = _STORES.get(directory.partition("://")[0])
    if make is None:
        _log.info("No conditions can be put on what is written to %s.", directory)
        return None
    try:
        store = make()
        why = _fault(store, files.join(directory, "conditions.check"))
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
    """Why a store cannot be used, empty if it can: it must refuse what cannot be.

    That also shows whether this process may write there at all.
    """
    try:
        version = store.put(path, b"", store.impossible)
    except conditional.RefusedError:
        return ""
    with contextlib.suppress(StorageError, conditional.RefusedError):
        store.remove(path, version)
    return "the store takes no notice of conditions"
