"""Making something once, although several processes of a machine want it."""

import contextlib
import fcntl
import logging
from collections.abc import Iterator

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def turn(path: str) -> Iterator[bool]:
    """Waits until no other process makes a directory; a killed one counts as done.

    Args:
        path: The directory, on this machine; beside it there will be a file for this.

    Yields:
        Whether that is certain: not all filesystems have locks.
    """
    with open(f"{path}.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.info("Waiting for another process, which prepares %s.", path)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            yield False
            return
        try:
            yield True
        finally:
            # Also for a process that was forked meanwhile, and has the file open still.
            fcntl.flock(file, fcntl.LOCK_UN)
