"""Directories that this process holds on to, whatever becomes of their names.

While a search runs, somebody may move its study away, or remove it, and start another at
the same place. What the first search then writes by name would end up in the study of the
second one. So a process opens the directory once, and `files` writes below it through
that descriptor: into this directory or nowhere. It also looks first whether the directory
still has its name, and refuses to write if it has not.
"""

import contextlib
import errno
import functools
import os
from collections.abc import Iterator

from tuner_component.search.errors import StorageError, StudyLockedError

# What a name that has gone, or now names something else, answers with.
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE)

_held: list["HeldDirectory"] = []
# A search writes to the same few names all the time.
_normal = functools.lru_cache(maxsize=64)(os.path.normpath)


class HeldDirectory:
    """A local directory that is held open until `release`.

    Attributes:
        path: Its absolute path when it was opened.
        descriptor: Open for as long as it is held.
    """

    def __init__(self, path: str) -> None:
        """Opens a directory.

        Args:
            path: A local path; it exists.

        Raises:
            StorageError: It cannot be opened.
        """
        self.path = os.path.abspath(path)
        try:
            self.descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise StorageError(
                f"Expected a directory that can be opened. Received: {error}. Make it "
                "readable for this user, or choose another study directory."
            ) from error
        self._prefix = self.path.rstrip(os.sep) + os.sep
        _held.append(self)

    def is_in_place(self) -> bool:
        """Whether its path still is the path of this directory.

        Raises:
            OSError: The filesystem does not answer.
        """
        try:
            # Asked each time: the first change moves a directory of a container's image
            # into another layer, and gives it another number.
            return os.path.samestat(os.stat(self.path), os.fstat(self.descriptor))
        except OSError as error:
            if error.errno in GONE:
                return False
            raise

    def relative(self, path: str) -> str | None:
        """The name of an absolute path from here; None if it leads elsewhere."""
        if path == self.path:
            return os.curdir
        if path.startswith(self._prefix):
            return path[len(self._prefix) :]
        return None

    def release(self) -> None:
        """Lets go of it; fine to call twice."""
        if self in _held:
            _held.remove(self)
            os.close(self.descriptor)


@contextlib.contextmanager
def holding(path: str) -> Iterator[None]:
    """Holds a local directory.

    Args:
        path: A local path; it exists.

    Raises:
        StorageError: It cannot be opened.
    """
    directory = HeldDirectory(path)
    try:
        yield
    finally:
        directory.release()


def forget_moved(path: str) -> None:
    """Ends the hold on what was at a path and is not any more: another begins there."""
    absolute = os.path.abspath(path)
    for directory in [d for d in _held if d.path == absolute]:
        if not directory.is_in_place():
            directory.release()


def locate(path: str) -> tuple[int | None, str]:
    """How to name a path in a system call that changes something there.

    Args:
        path: A local path.

    Returns:
        A directory's descriptor and the name from there; None and the path itself where
        no directory is held.

    Raises:
        StudyLockedError: It leads into a held directory that is not in its place.
        OSError: The filesystem does not answer.
    """
    if not _held:
        return None, path
    absolute = _normal(path) if path.startswith(os.sep) else os.path.abspath(path)
    for directory in reversed(_held):
        name = directory.relative(absolute)
        if name is None:
            continue
        if not directory.is_in_place():
            raise StudyLockedError(moved_message(directory.path))
        return directory.descriptor, name
    return None, path


def moved_message(directory: str) -> str:
    """What to tell a user whose study went away while it was being searched."""
    return (
        f"Expected the study {directory} to stay where it is as long as it is searched. "
        "Received: it was moved or removed, or another took its place. This search "
        "stops, and has written nothing there. To go on with a study that was moved, "
        "move it back and run the same search again; what is at its place now is not "
        "touched."
    )


def _let_go_in_child() -> None:
    """A forked process holds nothing: it may close all descriptors, and reuse them."""
    while _held:
        _held[-1].release()


os.register_at_fork(after_in_child=_let_go_in_child)
