"""Where the checkout is, and what it says of itself."""

import runpy
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).parents[2]


def setup_arguments() -> dict[str, Any]:
    """What setup.py says."""
    with mock.patch("setuptools.setup") as setup:
        runpy.run_path(str(ROOT / "setup.py"))
    return setup.call_args.kwargs  # type: ignore[no-any-return]
