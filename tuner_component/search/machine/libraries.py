"""Which Python modules are libraries: installed, or part of Python."""

import functools
import sysconfig
from pathlib import Path

_INSTALLED = {"site-packages", "dist-packages"}


def is_pythons(path: str | Path) -> bool:
    """Whether a file or directory came with Python, or was installed beside that."""
    return Path(path).absolute().is_relative_to(sysconfig.get_path("stdlib"))


def is_installed(path: str | Path) -> bool:
    """Whether a file or directory is below one of Python's for installed packages."""
    return not _INSTALLED.isdisjoint(Path(path).absolute().parts)


@functools.lru_cache
def has_libraries(directory: str) -> bool:
    """Whether packages were installed into a directory, by pip or with Python.

    Args:
        directory: Of modules; one that pip filled for itself counts as well.
    """
    return (
        is_installed(directory)
        or is_pythons(directory)
        or any(Path(directory).glob("*.dist-info"))
    )
