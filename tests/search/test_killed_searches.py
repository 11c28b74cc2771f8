"""Searches that are killed in the middle of trials, with all that belongs to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]


def search(scenario: str, directory: Path, *epochs: int) -> dict[str, Any]:
    directory.mkdir()
    command = [sys.executable, "-m", "tests.search.killed_searches"]
    arguments = [scenario, str(directory), *map(str, epochs)]
    done = subprocess.run(
        [*command, *arguments],
        check=False,
        cwd=PROJECT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("scenario", "kills", "repeated"),
    [
        # In the first execution, and again in the second.
        ("executions", (3, 4), 2),
        # In a trial that continues the weights of another.
        ("hyperband", (12,), 1),
        ("mirrored", (3,), 1),
    ],
)
def test_a_killed_search_ends_as_if_it_never_was(
    tmp_path: Path, scenario: str, kills: tuple[int, ...], repeated: int
) -> None:
    """A crash would cost whole trials, or change what the search finds."""
    whole = search(scenario, tmp_path / "whole")
    killed = search(scenario, tmp_path / "killed", *kills)
    assert sum(kills) + len(killed["epochs"]) == len(whole["epochs"]) + repeated
    for found in ("scores", "steps", "weights"):
        assert killed[found] == whole[found]
    assert not list(tmp_path.rglob("training/*"))
    assert not list(tmp_path.rglob("*.kept-*"))
