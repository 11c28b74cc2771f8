"""Fixtures of the search engine's tests."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.search.support import meeting, processes


@pytest.fixture(scope="session")
def _nursery() -> Iterator[processes.Nursery]:
    nursery = processes.Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def nursery(_nursery: processes.Nursery) -> Iterator[processes.Nursery]:
    """Starts executors; afterwards nothing that a search started may be left."""
    yield _nursery
    left = _nursery.descendants()
    try:
        processes.wait_until_gone(left, 10)
    finally:
        for pid in _nursery.descendants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[meeting.Meeting]:
    """Where trials meet the test."""
    with contextlib.closing(meeting.Meeting(tmp_path)) as at:
        yield at
