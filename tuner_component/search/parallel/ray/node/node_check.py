"""Whether a node is like the machine that the search was started on.

A trial on an odd node would fail, or worse, come out differently. So a node is looked at
before it gets its first trial: what is installed there, and which files it sees.
"""

import importlib.metadata
import os
import platform
import secrets
from collections.abc import Iterable, Mapping

from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files

# What a trial's result, or the protocol, depends on.
_PACKAGES = (
    "ray",
    "tensorflow",
    "keras",
    "keras-tuner",
    "jax",
    "torch",
    "numpy",
    "tfx-tuner-component",
)
_PROBE = "probe-"


def versions() -> dict[str, str]:
    """The versions here of what must be the same everywhere; without importing it."""
    found = {"Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def difference(expected: Mapping[str, str], received: Mapping[str, str]) -> str:
    """What differs between two machines, for people; "" if nothing does.

    Args:
        expected: Versions where the search was started.
        received: Versions on a node.
    """
    return ", ".join(
        f"{name} {received.get(name, 'missing')} instead of {version}"
        for name, version in expected.items()
        if received.get(name) != version
    )


def unseen(paths: Iterable[str]) -> list[str]:
    """Those of some files and patterns that cannot be read here."""
    return [path for path in paths if not _is_seen(path)]


def _is_seen(path: str) -> bool:
    directory, _, name = path.rstrip("/").rpartition("/")
    try:
        if any(sign in name for sign in "*?["):
            return bool(files.list_names(directory))
        return files.exists(path)
    except (OSError, StorageError):
        return False


def leave_token(study_directory: str, token: str) -> str:
    """Writes a token into the study, for the driver to look at; returns its name.

    Raises:
        StorageError: If that is not possible.
    """
    # A directory that is not there is not made: it would hide that this is another disk.
    name = f"{_PROBE}{secrets.token_hex(8)}"
    files.write_bytes(files.join(study_directory, name), token.encode())
    return name


def take_token(study_directory: str, name: str, token: str) -> bool:
    """Whether a node has left the token here, which is removed."""
    if not name.startswith(_PROBE) or os.path.basename(name) != name:
        return False
    path = files.join(study_directory, name)
    try:
        same = files.read_bytes(path, len(token) + 1) == token.encode()
        files.remove(path)
    except (OSError, StorageError):
        return False
    return same
