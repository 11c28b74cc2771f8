"""Bringing the user's code to nodes that do not have it.

What is installed must be there on every node. But the module of the user, and those that
it imports, may lie where only this machine sees them: beside the pipeline, or in the
temporary directory into which a pipeline's wheel was installed.
"""

import contextlib
import hashlib
import io
import os
import site
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from multiprocessing import connection

from tuner_component.search.errors import SearchError
from tuner_component.search.parallel.ray import meeting
from tuner_component.search.parallel.ray.messages import Code, CodeWanted

# A directory with more than that is no code: data beside it, perhaps.
_LARGEST = 64 << 20
# One who asks for code and takes nothing of it for so long will not.
_STALL_S = 60
# What is never imported.
_SKIPPED = {"__pycache__", "node_modules"}


def user_path(path: Iterable[str]) -> tuple[str, ...]:
    """The entries of a module search path that belong to no installation of Python.

    Args:
        path: As `sys.path`; "" is the working directory.
    """
    installed = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()}
    installed.update((*site.getsitepackages(), site.getusersitepackages()))
    found = (os.path.abspath(entry) for entry in path)
    return tuple(
        dict.fromkeys(
            entry
            for entry in found
            if os.path.isdir(entry)
            and not any(_is_below(entry, place) for place in installed)
        )
    )


def pack(directory: str) -> bytes:
    """A ZIP archive of a directory of code.

    Raises:
        SearchError: If it is too large to be one.
    """
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _files(directory):
            archive.write(path, os.path.relpath(path, directory))
    return data.getvalue()


def digests(directories: Iterable[str]) -> dict[str, str]:
    """What tells the Python sources in directories of code from others.

    Those that are too large to travel are left out.
    """
    found = {}
    for directory in directories:
        with contextlib.suppress(SearchError):
            found[directory] = digest(directory)
    return found


def digest(directory: str) -> str:
    """What tells the Python sources in a directory from others.

    Raises:
        SearchError: If it is too large to be code.
    """
    known = hashlib.sha256()
    for path in sorted(path for path in _files(directory) if path.endswith(".py")):
        known.update(os.fsencode(os.path.relpath(path, directory)) + b"\0")
        with open(path, "rb") as file:
            known.update(hashlib.sha256(file.read()).digest())
    return known.hexdigest()


def lacking(directories: Iterable[str], sources: Mapping[str, str]) -> tuple[str, ...]:
    """The directories that are not here, or have other Python sources here.

    Args:
        directories: Of code, elsewhere.
        sources: What `digests` said of them there.
    """
    return tuple(d for d in directories if not _has(d, sources.get(d)))


def _has(directory: str, wanted: str | None) -> bool:
    if not os.path.isdir(directory):
        return False
    if wanted is None:
        return True
    try:
        return digest(directory) == wanted
    except (OSError, SearchError):
        return False


def _files(directory: str) -> Iterator[str]:
    """The files that belong to a directory of code.

    Raises:
        SearchError: If it is too large to be code.
    """
    size = 0
    for place, folders, names in os.walk(directory):
        folders[:] = [n for n in folders if n not in _SKIPPED and n[0] != "."]
        for name in names:
            path = os.path.join(place, name)
            if not os.path.isfile(path):
                continue
            size += os.path.getsize(path)
            if size > _LARGEST:
                raise SearchError(
                    "Expected the code that the nodes of the cluster do not have to be "
                    f"at most {_LARGEST >> 20} MiB. Received: {directory}, which has "
                    "more. Put the module into a directory without data, or install it "
                    "on all nodes."
                )
            yield path


class Archives:
    """Packs directories of code for the nodes that ask, each once for all of them.

    Args:
        directories: Those that nodes may have.
    """

    def __init__(self, directories: Iterable[str]) -> None:
        self._allowed = frozenset(directories)
        self._packed: dict[str, bytes] = {}
        self._packing = threading.Lock()

    def answer(self, wanted: CodeWanted, channel: connection.Connection) -> None:
        """Sends what one who has come wants; from any thread.

        Args:
            wanted: The first word.
            channel: Connection to that one.

        Raises:
            SearchError: If it is too large to be code.
            OSError: If it is not taken.
        """
        code = self.of(wanted.directories)
        meeting.limit(channel, _STALL_S)
        channel.send(code)

    def of(self, directories: Iterable[str]) -> Code:
        """Those of some directories that nodes may have; from any thread.

        Raises:
            SearchError: If one is too large to be code.
        """
        wanted = self._allowed.intersection(directories)
        with self._packing:
            for directory in wanted - self._packed.keys():
                self._packed[directory] = pack(directory)
        return Code({directory: self._packed[directory] for directory in wanted})


def unpack(archives: Mapping[str, bytes], target: str) -> dict[str, str]:
    """Unpacks archives here.

    Args:
        archives: The archives, by the directories that they hold.
        target: A directory for them.

    Returns:
        Where each is now.
    """
    places = {}
    for number, (directory, data) in enumerate(archives.items()):
        places[directory] = os.path.join(target, str(number))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(places[directory])
    return places


def _is_below(path: str, directory: str) -> bool:
    return f"{path}/".startswith(f"{os.path.abspath(directory)}/")
