"""The sources are formatted, free of lint and fully typed."""

import subprocess
import sys

import pytest

from tests.support.project import ROOT


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["ruff", "check"], id="ruff-check"),
        pytest.param(["ruff", "format", "--check"], id="ruff-format"),
        # Settings, --strict among them, are in pyproject.toml.
        pytest.param(["mypy"], id="mypy", marks=pytest.mark.slow),
    ],
)
def test_style(command: list[str]) -> None:
    """Style would drift, or an untyped function would slip in."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"make lint\n{done.stdout}{done.stderr}"
