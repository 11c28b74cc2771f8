"""A disk that is full ends the search: no trial is to blame, and none could go on.

For KerasTuner, whatever a trial raises is a failure of that trial. A trial that cannot
write its weights would fail, and so would the next one, until too many have failed in a
search that only needs some space.
"""

import contextlib
import errno
import os
import traceback
from collections.abc import Iterator

from keras_tuner import errors

from tuner_component.search.errors import (
    SearchError,
    StorageError,
    UserCodeError,
    chain,
)

_CODES = (errno.ENOSPC, errno.EDQUOT)
# Libraries raise classes of their own, but quote the system's message.
_SAID = tuple(os.strerror(code) for code in _CODES)


class DiskFullError(StorageError, errors.FatalError):  # type: ignore[misc]
    """There was no space to write something. A fatal error for KerasTuner, too."""


def is_told_in(text: str) -> bool:
    """Whether a message or traceback says that a disk is full."""
    return any(said in text for said in _SAID)


@contextlib.contextmanager
def needed(what: str, study_directory: str) -> Iterator[None]:
    """Turns any error that a full disk has caused into one that says so.

    Args:
        what: What needs the space, for the message.
        study_directory: Path or URI of the study that can be resumed.

    Raises:
        DiskFullError: If the disk was full for the code within.
    """
    try:
        yield
    except DiskFullError:
        raise
    except Exception as error:
        shortage = _shortage(error)
        if shortage is None:
            raise
        if isinstance(error, StorageError):  # Its message says all of this.
            raise DiskFullError(str(error)) from error
        text = "".join(traceback.format_exception(error)).rstrip()
        raise DiskFullError(
            f"Expected {what} to find space for its files. Received: "
            f"{''.join(traceback.format_exception_only(shortage)).strip()}. Free some "
            f"space there, then run the same search again: it goes on from what was "
            f"committed in {study_directory}. The traceback:\n{text}"
        ) from error


def require(directory: str, size: int) -> None:
    """Finds out whether there is space for something, before it is written.

    Args:
        directory: Local; where it is to be written.
        size: Bytes.

    Raises:
        OSError: As writing it would, if there is less space.
    """
    try:
        status = os.statvfs(directory)
    except OSError:
        return  # The writing itself will tell.
    # Some is reserved for root. A filesystem without a count of blocks has no limit.
    blocks = status.f_bavail if os.geteuid() else status.f_bfree
    free = blocks * status.f_frsize
    if status.f_blocks and free < size:
        said = f"{os.strerror(errno.ENOSPC)} ({free:,} bytes are free, {size:,} wanted)"
        raise OSError(errno.ENOSPC, said, directory)


def _shortage(error: BaseException) -> BaseException | None:
    """What in an exception's chain says that a disk is full; None if nothing does."""
    return next(filter(_says_full, chain(error)), None)


def _says_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _CODES:
        return True
    if isinstance(error, (SearchError, UserCodeError)):
        # Their messages quote others: a trial that failed long ago, perhaps. What caused
        # them is looked at by itself.
        return False
    return is_told_in("".join(traceback.format_exception_only(error)))
