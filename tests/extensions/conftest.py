"""What tests of jobs share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import meeting


@pytest.fixture
def place(tmp_path: Path) -> Iterator[meeting.Meeting]:
    """Where processes of a search meet the test."""
    place = meeting.Meeting(tmp_path)
    yield place
    place.close()
