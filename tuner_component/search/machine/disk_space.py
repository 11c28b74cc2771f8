"""A disk that is full ends the search: no trial is to blame, and none could go on.

KerasTuner takes whatever a trial raises for a failure of that trial. A trial that cannot
write its weights would fail, and so would the next one, until nothing is left of a search
that only wants some space.
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
# Errors of libraries have classes of their own, but say what the system said to them.
_SAID = tuple(os.strerror(code) for code in _CODES)


class DiskFullError(StorageError, errors.FatalError):  # type: ignore[misc]
    """There was no space to write something; KerasTuner lets it end the search."""


def is_told_in(text: str) -> bool:
    """Whether a message or traceback says that a disk is full."""
    return any(said in text for said in _SAID)


@contextlib.contextmanager
def needed(what: str, study_directory: str) -> Iterator[None]:
    """Turns an error that goes back to a full disk, whichever, into one that says so.

    Args:
        what: What needs the space, for the message.
        study_directory: Path or URI of the study that can be gone on with.

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
        if isinstance(error, StorageError):  # It says all that there is to say.
            raise DiskFullError(str(error)) from error
        text = "".join(traceback.format_exception(error)).rstrip()
        raise DiskFullError(
            f"Expected {what} to find space for its files. Received: "
            f"{''.join(traceback.format_exception_only(shortage)).strip()}. Free some "
            f"space there, then run the same search again: it goes on from what was "
            f"committed in {study_directory}. The traceback:\n{text}"
        ) from error


def require(directory: str, size: int) -> None:
    """Finds out whether something can be written before it is begun.

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
    # Some is reserved for root. What knows of no blocks knows of no limit.
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
        return False  # It quotes others: a trial that failed long ago, perhaps.
    return is_told_in("".join(traceback.format_exception_only(error)))
