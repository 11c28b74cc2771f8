"""What the engine does at each step of the driver."""

from __future__ import annotations

import types
from typing import Any

import pytest

from tuner_component.search.options import Cluster, SearchOptions
from tuner_component.search.parallel.local.engine import pair
from tuner_component.search.parallel.ray.engine import engine as engine_lib


class _Broker:
    """One that has something to say when its other end has sent something.

    Attributes:
        looks: How often somebody has looked whether it is alive.
    """

    def __init__(self) -> None:
        self.wire, self.theirs = pair()
        self.heard = 0.0
        self.looks = 0

    def begin(self) -> None:
        """Begins."""

    def news(self) -> Any:
        """What has come."""
        return self.wire.recv() if self.wire.poll() else None

    def require_life(self) -> None:
        """Is asked whenever all deadlines are looked at."""
        self.looks += 1


def test_it_looks_at_all_places_only_if_something_has_happened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each word of each of hundreds of workers would have it look at hundreds of places."""
    now = [1000.0]
    clock = types.SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(engine_lib, "time", clock)
    broker = _Broker()
    options = SearchOptions(cluster=Cluster("127.0.0.1:1"))
    logs = types.SimpleNamespace(study="")
    job: Any = types.SimpleNamespace(options=options, logs=logs)
    monkeypatch.setattr(engine_lib, "Introduction", lambda *_: None)
    with broker.wire, broker.theirs:
        engine = engine_lib.RayEngine(job, broker)  # type: ignore[arg-type]
        for _ in range(9):
            engine.events()
        assert broker.looks == 1
        broker.theirs.send("a word")
        engine.events()
        assert broker.looks == 2
        now[0] += 1  # Something may not have come for too long.
        engine.events()
        assert broker.looks == 3
