"""Searches that really train: when they have reached the target."""

import types
from pathlib import Path
from typing import Any

from benchmarks import live_search


def watched(directory: Path, *lines: str, limit_s: float = 60.0) -> dict[str, Any]:
    """What is found of a search that prints these lines and ends."""
    epochs = directory / "epochs"
    epochs.write_bytes(b"...")
    child: Any = types.SimpleNamespace(stdout=[f"{line}\n" for line in lines])
    return live_search._watch(child, epochs, limit_s)


def test_a_search_that_ends_by_itself_counts_with_the_whole_limit(
    tmp_path: Path,
) -> None:
    """The earlier a search gives up, the better it would look."""
    found = watched(tmp_path, "started", "loss 0.5", "loss 0.7")
    assert (found["reached"], found["seconds"], found["loss"]) == (False, 60.0, 0.5)


def test_a_target_that_is_reached_late_is_missed(tmp_path: Path) -> None:
    """A search would be given more time than others."""
    found = watched(tmp_path, "started", "loss 0.01", limit_s=0.0)
    assert (found["reached"], found["seconds"]) == (False, 0.0)


def test_a_search_is_over_when_the_target_is_reached(tmp_path: Path) -> None:
    """It would be measured until its limit."""
    found = watched(tmp_path, "started", "loss 0.5", "loss 0.01", "loss 0.02")
    assert found["reached"]
    assert (found["trials"], found["loss"], found["epochs"]) == (2, 0.01, 3)
    assert found["seconds"] < 60.0
