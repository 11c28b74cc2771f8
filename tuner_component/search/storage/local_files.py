"""Writing to the local filesystem: whole or not at all, and durably.

`files` is what others call. Below a directory that this process holds, all of it goes
through that directory's descriptor: see `held`.
"""

import contextlib
import functools
import itertools
import os
import stat

from tuner_component.search.storage import faults, held

TEMPORARY_SUFFIX = ".tmp"

_WRITTEN = faults.declare(
    "files.write.written", "a local file is complete under its temporary name"
)
_REPLACED = faults.declare(
    "files.write.replaced", "a local file has its name, its directory is not synced"
)

# What is written ahead of the content when a file is appended to: a new length takes as
# long to become durable as the content.
_ROOM = b"\n" * (1 << 14)

_unique = itertools.count()
# Without the times of the last change, which cost more than the content; macOS has none.
_sync_data = getattr(os, "fdatasync", os.fsync)


def write(path: str, data: bytes) -> None:
    """Writes a file whole or not at all, durably; an older one is replaced."""
    place, path = held.locate(path)
    directory, name = os.path.split(path)
    temporary = os.path.join(
        directory, f".{name}.{os.getpid()}.{next(_unique)}{TEMPORARY_SUFFIX}"
    )
    try:
        with open(temporary, "wb", opener=functools.partial(_open, place)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        faults.point(_WRITTEN)
        os.replace(temporary, path, src_dir_fd=place, dst_dir_fd=place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=place)
        raise
    faults.point(_REPLACED)
    _sync_directory(directory, place)


def append(path: str, data: bytes, at: int) -> None:
    """Writes behind the first `at` bytes of a file, durably; line ends may follow."""
    place, path = held.locate(path)
    # Only the first write makes the file: one that is gone took what was in it along.
    descriptor = _open(place, path, os.O_WRONLY | (os.O_CREAT if at == 0 else 0), 0o644)
    try:
        if os.fstat(descriptor).st_size < at + len(data):
            data += _ROOM
        _write_at(descriptor, data, at)
        _sync_data(descriptor)
    finally:
        os.close(descriptor)
    if at == 0:
        _sync_directory(os.path.dirname(path), place)


def overwrite(path: str, data: bytes) -> None:
    """Writes over the beginning of a file, made if need be; not durable."""
    place, path = held.locate(path)
    descriptor = _open(place, path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def make_directory(path: str, *, durable: bool = True) -> None:
    """Creates a directory with its parents; fine if it is there.

    Args:
        path: Of the directory.
        durable: Whether to wait until it would survive a loss of power.
    """
    place, name = held.locate(path)
    absolute = name if place is not None else os.path.abspath(name)
    _make_directory(absolute, place, durable)


def _open(place: int | None, path: str, flags: int, mode: int = 0o666) -> int:
    """Opens a file to write to it; a link that somebody put there is not followed."""
    return os.open(path, flags | os.O_NOFOLLOW, mode, dir_fd=place)


def _write_at(descriptor: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written


def _make_directory(directory: str, place: int | None, durable: bool) -> None:
    if not directory or _is_directory(directory, place):
        return
    parent = os.path.dirname(directory)
    _make_directory(parent, place, durable)
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, dir_fd=place)
    if durable:
        _sync_directory(parent, place)


def _is_directory(path: str, place: int | None) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path, dir_fd=place).st_mode)
    except OSError:
        return False


def _sync_directory(directory: str, place: int | None) -> None:
    """Makes the names in a directory durable: syncing a file alone does not."""
    descriptor = os.open(directory or ".", os.O_RDONLY, dir_fd=place)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
