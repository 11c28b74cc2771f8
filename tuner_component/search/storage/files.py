"""Whole-file reads and writes, on a local path or on any URI that TensorFlow reaches.

A write happens whole or not at all (but for `append_bytes`) and is durable when the call
returns. Below a directory that this process holds (see `held`) it happens in that
directory or nowhere. Nothing on a URI appends or relies on renaming: object stores have
neither. A local path (or `file://`) needs no TensorFlow; any other scheme goes through
`tf.io.gfile`, imported when first needed.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from typing import Any

from tuner_component.search.errors import SearchError, StorageError
from tuner_component.search.storage import held, local_files

_LOCAL_SCHEME = "file://"
_ERRNO_OF = {
    "Forbidden": errno.EACCES,
    "NotFoundError": errno.ENOENT,
    "PermissionDeniedError": errno.EACCES,
    "ResourceExhaustedError": errno.ENOSPC,
}


def is_remote(path: str) -> bool:
    """Whether `path` is a URI of a filesystem other than the local one."""
    return "://" in path and not path.startswith(_LOCAL_SCHEME)


def join(path: str, *names: str) -> str:
    """Appends names to a path or URI."""
    return os.path.join(path, *names)


def read_bytes(path: str, at_most: int = -1) -> bytes:
    """The content of a file.

    Args:
        path: The file.
        at_most: How many of its first bytes to read, if not all.

    Raises:
        FileNotFoundError: There is no such file.
        StorageError: It cannot be read.
    """
    with explained("read", path, may_lack=True):
        if is_remote(path):
            with _gfile().GFile(path, "rb") as file:
                data: bytes = file.read(at_most)
                return data
        with open(local_path(path), "rb") as file:
            return file.read(at_most)


def read_end(path: str, at_most: int) -> tuple[bytes, bool]:
    """The last bytes of a file.

    Args:
        path: The file.
        at_most: How many.

    Returns:
        The bytes, and whether they are all of the file.

    Raises:
        FileNotFoundError: There is no such file.
        StorageError: It cannot be read.
    """
    with explained("read", path, may_lack=True):
        if is_remote(path):
            with _gfile().GFile(path, "rb") as file:
                size = file.size()
                file.seek(max(size - at_most, 0))
                return file.read(at_most), size <= at_most
        with open(local_path(path), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(size - at_most, 0))
            return file.read(at_most), size <= at_most


def write_bytes(path: str, data: bytes) -> None:
    """Writes a file whole or not at all; when it returns, the file is durable.

    Args:
        path: The file; its directory exists. An older file there is replaced.
        data: The whole content.

    Raises:
        StorageError: It cannot be written; an older file there is as it was.
    """
    with explained("write", path):
        if is_remote(path):
            _write_remote(path, data)
        else:
            local_files.write(local_path(path), data)


def write_output(path: str, data: bytes) -> None:
    """Writes a file that a user named, and makes the directory that it is to be in.

    Args:
        path: The file. An older one there is replaced.
        data: The whole content.

    Raises:
        StorageError: It cannot be written.
    """
    directory = os.path.dirname(path)
    try:
        if directory and not is_remote(path):  # A bucket has no directories.
            makedirs(directory)
        write_bytes(path, data)
    except StorageError as error:
        why = getattr(error.__cause__, "strerror", None) or error
        raise StorageError(
            f"Expected a file that can be written. Received: {path} ({why}). Name one in "
            "another directory."
        ) from error


def append_bytes(path: str, data: bytes, at: int) -> None:
    """Writes behind what is in a local file, durably; line ends may follow the data.

    Takes a fraction of the time of `write_bytes`: no name has to become durable, and a
    new length only now and then. A crash may leave a part of the data, so the content
    must vouch for itself.

    Args:
        path: The file, not a URI; its directory exists.
        data: What to write.
        at: How many bytes were written to it before; 0 makes the file.

    Raises:
        StorageError: It cannot be written, or is not there any more. What follows the
            first `at` bytes is undefined.
    """
    with explained("write", path):
        local_files.append(local_path(path), data, at)


def overwrite_bytes(path: str, data: bytes) -> None:
    """Writes over the beginning of a local file, made if need be; not durable.

    Survives the death of the process, and costs a hundredth of a durable write. After that
    of the machine there is this content or an earlier one, if it fits into a sector of a
    disk. A reader may see a part of it.

    Args:
        path: The file, not a URI; its directory exists.
        data: As long as what was there before.

    Raises:
        StorageError: It cannot be written.
    """
    with explained("write", path):
        local_files.overwrite(local_path(path), data)


def list_names(directory: str) -> list[str]:
    """Names of what is in a directory, sorted; none where there is no directory."""
    with explained("list", directory):
        if not exists(directory):
            return []
        if is_remote(directory):
            return sorted(n.rstrip("/") for n in _gfile().listdir(directory))
        return sorted(os.listdir(local_path(directory)))


def exists(path: str) -> bool:
    """Whether there is a file or directory of that name."""
    with explained("look for", path):
        if is_remote(path):
            return bool(_gfile().exists(path))
        return os.path.exists(local_path(path))


def makedirs(directory: str) -> None:
    """Creates a directory with its parents; durable, and fine if it is there."""
    with explained("create", directory):
        if is_remote(directory):
            _gfile().makedirs(directory)
        else:
            local_files.make_directory(local_path(directory))


def makedirs_anew(directory: str) -> None:
    """Creates a directory, also where this process held another that is gone by now."""
    if not is_remote(directory):
        with explained("look for", directory):
            held.forget_moved(local_path(directory))
    makedirs(directory)


def remove(path: str) -> None:
    """Removes a file; fine if it is not there."""
    with (
        explained("remove", path, may_lack=True),
        contextlib.suppress(FileNotFoundError),
    ):
        if not is_remote(path):
            place, name = held.locate(local_path(path))
            os.unlink(name, dir_fd=place)
        elif _gfile().exists(path):
            _gfile().remove(path)


def remove_tree(directory: str) -> None:
    """Removes a directory and all in it; fine if it is not there."""
    with (
        explained("remove", directory, may_lack=True),
        contextlib.suppress(FileNotFoundError),
    ):
        if not is_remote(directory):
            held.locate(local_path(directory))
            shutil.rmtree(local_path(directory))
        elif _gfile().exists(directory):
            _gfile().rmtree(directory)


def move(source: str, target: str) -> None:
    """Moves a file; on a URI, or between disks, by copying, then removing."""
    if not (is_remote(source) or is_remote(target)):
        with explained("move", source):
            source_place, old = held.locate(local_path(source))
            target_place, new = held.locate(local_path(target))
            try:
                os.replace(old, new, src_dir_fd=source_place, dst_dir_fd=target_place)
                return
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
    write_bytes(target, read_bytes(source))
    remove(source)


def require_place(path: str) -> None:
    """Raises where nothing is to be written any more: see `held`; for other writers.

    Raises:
        StudyLockedError: The study that it was in is not in its place.
        StorageError: The filesystem does not answer.
    """
    if not is_remote(path):
        with explained("write", path):
            held.locate(local_path(path))


@contextlib.contextmanager
def holding(directory: str) -> Iterator[None]:
    """Writes below a directory go there or nowhere, if it is local: see `held`.

    Raises:
        StorageError: It cannot be opened.
    """
    if is_remote(directory):
        yield
        return
    with held.holding(local_path(directory)):
        yield


def local_path(path: str) -> str:
    """The path of the local filesystem that a path or `file://` URI names."""
    return path.removeprefix(_LOCAL_SCHEME)


@contextlib.contextmanager
def explained(action: str, path: str, may_lack: bool = False) -> Iterator[None]:
    """Turns what the filesystem says into an error that says how to mend it.

    Args:
        action: What is done within, as a verb.
        path: To what.
        may_lack: Leave it a FileNotFoundError if it is not there.

    Raises:
        FileNotFoundError: See `may_lack`.
        StorageError: All else that is no SearchError yet.
    """
    try:
        yield
    except SearchError:
        raise
    except OSError as error:
        if may_lack and isinstance(error, FileNotFoundError):
            raise
        if may_lack and isinstance(error, NotADirectoryError):
            raise FileNotFoundError(*error.args, path) from error
        raise StorageError(_message(action, path, error, error.errno)) from error
    except Exception as error:
        # TensorFlow's and Google's errors are classes of their own; naming them, not
        # importing them, keeps both out of a process that has local paths only.
        code = _ERRNO_OF.get(type(error).__name__)
        if may_lack and code == errno.ENOENT:
            raise FileNotFoundError(errno.ENOENT, str(error), path) from error
        raise StorageError(_message(action, path, error, code)) from error


def _write_remote(path: str, data: bytes) -> None:
    gfile = _gfile()
    for _ in range(2):
        with gfile.GFile(path, "wb") as file:
            file.write(data)
        if gfile.stat(path).length == len(data):
            return
        # Some filesystems add to what was there: begin with nothing there.
        gfile.remove(path)
    raise OSError(errno.EIO, "the file has another length than was written", path)


def _gfile() -> Any:
    try:
        import tensorflow as tf
    except ImportError as error:
        raise StorageError(
            "Expected a local path, or TensorFlow to reach a URI. Received: a URI, and "
            "TensorFlow cannot be imported. Install tensorflow or use a local directory."
        ) from error
    return tf.io.gfile


def _message(action: str, path: str, error: Exception, code: int | None) -> str:
    if code in (errno.ENOSPC, errno.EDQUOT):
        remedy = "Free some space"
    elif code in (errno.EROFS, errno.EACCES, errno.EPERM):
        remedy = "Make it writable for this user, or choose another study directory"
    else:
        remedy = "Mend the filesystem"
    return (
        f"Expected to {action} {path}. Received: {error}. {remedy}, then run the same "
        "search again: it goes on from what was committed."
    )
