"""The command line that is kept beside what a search writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuner_component.cli import command_file
from tuner_component.search.errors import SearchFailedError, StudyLockedError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (StudyLockedError("another process"), ["tune", "first"]),
        (SearchFailedError("of itself"), ["tune", "second"]),
    ],
)
def test_command_of_a_search_that_runs_stays(
    error: Exception, expected: list[str], tmp_path: Path
) -> None:
    """`retry` would run a search by the command line of one that was refused."""
    out = str(tmp_path / "out")
    with command_file.keeping(out, ["tune", "first"]):
        pass
    with pytest.raises(type(error)), command_file.keeping(out, ["tune", "second"]):
        raise error
    command = command_file.kept(out)
    assert command is not None and command.arguments == expected
