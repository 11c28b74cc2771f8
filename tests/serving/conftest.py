"""A server of studies, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.console.conftest import Searches, searches
from tests.support import limits
from tuner_component.serving import server

__all__ = ["Searches", "searches"]


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serves a directory, and returns the address."""
    ends: list[Callable[[], None]] = []

    def start(directory: Path, host: str = "127.0.0.1", **how: bool) -> str:
        address: list[str] = []
        ready = threading.Event()
        loops: list[asyncio.AbstractEventLoop] = []
        ended = asyncio.Event()

        async def work() -> None:
            loops.append(asyncio.get_running_loop())
            async with server.serving(str(directory), host, 0, **how) as found:
                address.append(found)
                ready.set()
                await ended.wait()

        # As the command does: what is under way when it ends is cancelled.
        thread = threading.Thread(target=lambda: asyncio.run(work()))
        thread.start()

        def end() -> None:
            loops[0].call_soon_threadsafe(ended.set)
            thread.join()

        ends.append(end)
        assert ready.wait(limits.WAIT_S)
        return address[0]

    yield start
    for end in ends:
        end()
