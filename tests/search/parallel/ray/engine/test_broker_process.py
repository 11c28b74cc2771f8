"""The process that talks to Ray, as those see it who start it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuner_component.search.options import Cluster, SearchOptions
from tuner_component.search.parallel import process_context, protocol
from tuner_component.search.parallel.logs import Logs, opened
from tuner_component.search.parallel.ray.engine import (
    broker_process,
    engine,
    introduction,
)
from tuner_component.search.parallel.ray.node import node_check

# Says what it hears, beginning when it has heard the first word.
_ECHO = (
    "import sys; sys.path[:] = {path!r}; from multiprocessing import connection; "
    "wire = connection.Connection({number}); "
    "[wire.send(type(wire.recv()).__name__) for _ in range(2)]; wire.recv()"
)


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    """Of a study of its own."""
    with opened(str(tmp_path / "study")) as made:
        yield made


def _job(logs: Logs, tmp_path: Path) -> protocol.Job:
    return protocol.Job(
        entry=protocol.EntryPoint("os:getcwd"),
        study_directory=str(tmp_path / "study"),
        fingerprint={},
        options=SearchOptions(cluster=Cluster("127.0.0.1:1")),
        machine=None,
        context=process_context.ProcessContext(
            sys.path, [], process_context.LoggingState({})
        ),
        logs=logs,
    )


def test_no_place_is_asked_for_before_there_is_a_driver(
    logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study that is finished, or in use, would take nodes away from others."""
    monkeypatch.setattr(broker_process, "_BOOTSTRAP", _ECHO)
    job = _job(logs, tmp_path)
    broker = broker_process.BrokerProcess(job, 60)
    with broker.wire:
        assert broker.wire.poll(60)
        assert broker.wire.recv() == "Connect"
        engine.RayEngine(job, broker)
        assert broker.wire.poll(60)
        assert broker.wire.recv() == "AskForPlaces"


def test_nodes_are_told_the_versions_that_were_looked_up_once(
    logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each node that joins would hold the driver up for as long as ten trials do."""
    looked: list[None] = []
    monkeypatch.setattr(node_check, "versions", lambda: looked.append(None) or {})
    made = introduction.Introduction(_job(logs, tmp_path), 60)
    assert [made.setup().versions for _ in range(3)] == [{}, {}, {}]
    assert len(looked) == 1
