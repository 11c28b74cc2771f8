"""What benchmarks have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import ROOT

# Others start these, in processes of their own.
_PARTS = {"live_search", "penguin_search", "ray_tune"}
_BENCHMARKS = [
    path
    for path in sorted((ROOT / "benchmarks").glob("*.py"))
    if "ArgumentParser(" in path.read_text() and path.stem not in {*_PARTS, "harness"}
]


@pytest.mark.parametrize("path", _BENCHMARKS, ids=lambda path: path.stem)
def test_each_benchmark_says_whether_its_goal_is_met(path: Path) -> None:
    """Nobody could tell a loss of speed from a figure, nor measure in a minute."""
    source = path.read_text()
    assert "harness.add_arguments(parser)" in source
    assert "harness.report(" in source
    assert "goal" in source.split('"""')[1].lower()
