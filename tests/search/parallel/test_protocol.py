"""How processes find the user's code."""

import os.path

import pytest

from tuner_component.search.parallel.protocol import EntryPoint


def test_an_entry_point_is_imported() -> None:
    """No process would find the user's tuner."""
    assert EntryPoint("os.path:join").load() is os.path.join


@pytest.mark.parametrize("target", ["os.path", "os.path:", "os.path:sep", "os:none"])
def test_an_entry_point_that_is_no_function_is_refused(target: str) -> None:
    """The error would be a riddle in a worker's log."""
    with pytest.raises(ValueError, match="Expected an entry point .* Received: "):
        EntryPoint(target).load()
