"""What tests of searches share whose trials Vizier suggests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support import processes

if TYPE_CHECKING:
    from tests.support.vertex import Vertex


@pytest.fixture(name="server")
def _server() -> Iterator[Vertex]:
    # Most tests here need no client of Google's, which takes seconds to import.
    from tests.support.vertex import serving

    with serving() as server:
        yield server


@pytest.fixture(name="executors", scope="module")
def _executors() -> Iterator[processes.Executors]:
    executors = processes.Executors("tests.support.vizier_in_workers")
    yield executors
    executors.close()
