"""Data on filesystems that TFX reaches: copied once, and kept."""

import contextlib
import hashlib
import itertools
import logging
import os
from collections.abc import Iterator

import tensorflow as tf
from tfx.dsl.io import fileio

from tuner_component.inputs.whole import make
from tuner_component.search.storage import files

_log = logging.getLogger("tuner_component")


def fetched(path: str, directory: str) -> str:
    """Copies what a URI names into a directory, unless the same is there already.

    Args:
        path: A file, a directory or a pattern, as a URI; or a local path, which is
            returned as it is.
        directory: For copies.

    Returns:
        A local path: a file, or a directory with all that was found.

    Raises:
        ValueError: If nothing can be found there.
    """
    if not files.is_remote(path):
        return path
    with _explained(path):
        names = _names(path.rstrip("/"))
        sizes = [(name, *_state(uri)) for name, uri in sorted(names.items())]
    if not names:
        raise ValueError(
            f"Expected a URI of data. Received: {path}, and there is nothing of that name."
        )
    digest = hashlib.sha256(repr((path, sizes)).encode()).hexdigest()[:16]
    home = os.path.join(directory, f"copy-{digest}")

    def fill(aside: str) -> None:
        _log.info("Copying %d files from %s.", len(names), path)
        for name, uri in names.items():
            target = os.path.join(aside, "data", name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            fileio.copy(uri, target)

    make(home, fill)
    if list(names) == [os.path.basename(path)]:
        return os.path.join(home, "data", *names)
    return os.path.join(home, "data")


def is_artifact(path: str) -> bool:
    """Whether a URI is the directory of an Examples artifact, which needs no copy.

    Raises:
        ValueError: If nothing can be found there.
    """
    splits = (os.path.join(path, f"Split-{name}") for name in ("train", "eval"))
    with _explained(path):
        return all(fileio.isdir(split) for split in splits)


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise ValueError(
            "Expected a URI of a filesystem that TFX can read here. Received: "
            f"{path} ({error}). Check the name and the credentials, or copy the data to "
            "this machine."
        ) from error


def _names(path: str) -> dict[str, str]:
    """URIs of all files, by the names of their copies."""
    matches = [path] if fileio.exists(path) else sorted(fileio.glob(path))
    uris: dict[str, str] = {}
    for match in matches:
        for name, uri in _files(match):
            # In several directories there may be files of one name.
            stem, suffix = os.path.splitext(name)
            free = (f"{stem}-{number}{suffix}" for number in itertools.count(2))
            uris[
                name if name not in uris else next(n for n in free if n not in uris)
            ] = uri
    return uris


def _files(match: str) -> Iterator[tuple[str, str]]:
    """Names and URIs of a file, or of those in a directory."""
    if not fileio.isdir(match):
        yield os.path.basename(match), match
        return
    for directory, _, names in fileio.walk(match):
        below = directory.rstrip("/").removeprefix(match.rstrip("/")).lstrip("/")
        for name in names:
            yield os.path.join(below, name), os.path.join(directory, name)


def _state(uri: str) -> tuple[int, int]:
    """What changes when somebody writes a file again."""
    state = tf.io.gfile.stat(uri)
    return state.length, state.mtime_nsec
