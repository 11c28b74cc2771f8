"""What the tests of durable oracles share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import simulation


@pytest.fixture(name="opened")
def _opened(tmp_path: Path) -> Iterator[simulation.Opened]:
    opened = simulation.Opened(tmp_path / "study")
    yield opened
    opened.close()
