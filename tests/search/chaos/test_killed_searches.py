"""Searches that are killed in the middle of trials, with all that belongs to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import crashes, killed_searches

pytestmark = pytest.mark.slow


def search(scenario: str, directory: Path, *epochs: int) -> dict[str, Any]:
    """Searches; each number of epochs is a process that is killed in the last of them."""
    directory.mkdir()
    for number in epochs:
        assert not crashes.run(
            lambda n=number: killed_searches.search(scenario, directory, n)
        )
    found = directory / "found.json"

    def finish() -> None:
        result = killed_searches.search(scenario, directory, None)
        found.write_text(json.dumps(result))

    assert crashes.run(finish)
    return json.loads(found.read_text())


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
