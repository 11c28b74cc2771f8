"""Environments for what cannot be installed beside TFX. Making one needs an index."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from tests.support.project import ROOT


def interpreter(name: str, requirements: Sequence[str]) -> Path:
    """Makes an environment, unless it exists.

    Args:
        name: The directory is called `.venv-<name>-<Python's version>`.
        requirements: What to install.

    Returns:
        The environment's Python.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    directory = ROOT / f".venv-{name}-{version}"
    directory.mkdir(exist_ok=True)
    lock = os.open(directory, os.O_RDONLY)  # Tests in other processes wait for it.
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete, wanted = directory / "complete", "\n".join(requirements)
        if not complete.exists() or complete.read_text() != wanted:
            _make(directory, requirements)
            complete.write_text(wanted)
    finally:
        os.close(lock)
    return directory / "bin" / "python"


def _make(directory: Path, requirements: Sequence[str]) -> None:
    """uv takes seconds and pip a minute, but pip knows more ways to reach an index."""
    python = directory / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        venv.create(directory, clear=True)
        options = ["--quiet", "--compile-bytecode", "--python", python]
        quick = [uv, "pip", "install", *options, *requirements]
        if subprocess.call(quick) == 0:
            return
    venv.create(directory, clear=True, with_pip=True)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *requirements], check=True
    )
