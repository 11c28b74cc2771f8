"""Where the checkout is, and what it says of itself."""

import runpy
from pathlib import Path
from typing import Any
from unittest import mock

import tomli

ROOT = Path(__file__).parents[2]


def pyproject() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomli.loads((ROOT / "pyproject.toml").read_text())


def requirements() -> list[str]:
    """What the package requires."""
    return list(pyproject()["project"]["dependencies"])


def extras() -> dict[str, list[str]]:
    """What each extra requires."""
    return dict(pyproject()["project"]["optional-dependencies"])


def setup_arguments() -> dict[str, Any]:
    """What setup.py adds to it."""
    with mock.patch("setuptools.setup") as setup:
        runpy.run_path(str(ROOT / "setup.py"))
    return setup.call_args.kwargs  # type: ignore[no-any-return]
