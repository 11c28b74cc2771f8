"""Where studies are below the directories that people know."""

import os
from collections.abc import Iterable, Iterator

from tuner_component.search.storage import files

# Of a study, and of its record in an artifact.
STUDY_FILE = "study.json"
# Below the output directory of `tuner-component tune`, and below that of a pipeline's node.
BELOW = ("studies", ".system/studies")
# Where `tuner-component tune` publishes the results: what is left when its studies are gone.
RESULTS = "results"
# Directories that no study is in; hidden ones are not looked into, either.
_NOT_IN = {"__pycache__", "node_modules", "site-packages"}
_SYSTEM = ".system"


def candidates(path: str) -> list[str]:
    """What may be a study of a directory that people name.

    Args:
        path: The output directory of a command, the directory of a pipeline's node, or
            the root of a pipeline, whose nodes have directories there; or a directory of
            studies, as `TuneArgs.study_dir` names one. Path or URI.
    """
    if own := _of_one(path):
        return own
    below = _directories(path)
    studies = [directory for directory in below if files.exists(_file(directory))]
    return studies or [study for node in below for study in _of_one(node)]


def _directories(path: str) -> list[str]:
    """What is in a directory and may be one itself; nothing of a file."""
    if files.is_remote(path):
        return [files.join(path, name) for name in files.list_names(path)]
    local = files.local_path(path)
    if not os.path.isdir(local):
        return []
    below = (files.join(path, name) for name in files.list_names(path))
    return [name for name in below if os.path.isdir(files.local_path(name))]


def _of_one(path: str) -> list[str]:
    studies = [
        files.join(path, parent, name)
        for parent in BELOW
        for name in files.list_names(files.join(path, parent))
    ]
    if any(files.exists(_file(study)) for study in studies):
        return studies
    results = files.join(path, RESULTS)
    return [results] if files.exists(_file(results)) else studies


def everywhere_below(path: str) -> list[str]:
    """All directories below a directory that hold a study, or the record of one.

    Args:
        path: Path or URI. Below a URI, where each look takes time, only what a pipeline's
            root and a directory of such roots hold is found.
    """
    if files.is_remote(path):
        return [name for name in _remote(path) if files.exists(_file(name))]
    return sorted(_local(files.local_path(path)))


def _local(path: str) -> Iterator[str]:
    for directory, names, found in os.walk(path):
        if STUDY_FILE in found:
            names.clear()
            yield os.path.normpath(directory)
        names[:] = [n for n in names if _may_hold(n)]


def _may_hold(name: str) -> bool:
    return name == _SYSTEM or not (name.startswith(".") or name in _NOT_IN)


def _remote(path: str) -> Iterable[str]:
    yield path
    yield from candidates(path)
    for below in _directories(path):
        yield from candidates(below)


def _file(directory: str) -> str:
    return files.join(directory, STUDY_FILE)
