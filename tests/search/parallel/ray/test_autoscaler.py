"""A cluster that has no nodes until they are asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import meeting, ray_cluster, scripts
from tuner_component.search import events
from tuner_component.search.options import Cluster, SearchOptions

pytestmark = [pytest.mark.slow, pytest.mark.on_demand]


@pytest.fixture
def growing() -> Iterator[ray_cluster.RayCluster]:
    """A cluster whose autoscaler may start three nodes for two trials each."""
    node = {"CPU": 2.0, "object_store_memory": 80e6}
    with (
        tempfile.TemporaryDirectory(prefix="ray_") as directory,
        ray_cluster.running(
            Path(directory), host="127.0.0.20", autoscaler=(node, 3)
        ) as there,
    ):
        yield there


def test_an_autoscaler_starts_the_nodes_that_a_search_needs(
    growing: ray_cluster.RayCluster, tmp_path: Path, place: meeting.Meeting
) -> None:
    """It would start one node after the other, or none, and the search wait for ever."""
    (tmp_path / "work").mkdir()
    script = scripts.Script(
        str(tmp_path / "work"), trials=4, act="meet", meeting=place.address
    )
    options = SearchOptions(num_workers=4, seed=7, cluster=Cluster(growing.address))
    with growing.executors() as executors, growing.nothing_left(executors):
        executor = executors.start(
            scripts.observed_search, script.entry(), str(tmp_path / "study"), options
        )
        # No trial ends before all four run: the places were asked for at once.
        for guest in [place.next() for _ in range(4)]:
            guest.release()
        result, told = executor.result()
    assert len(result.completed) == 4
    changes = [event for event in told if isinstance(event, events.PlacesChanged)]
    assert changes[-1] == events.PlacesChanged(4, 4, 2)
    assert len(changes) > 1  # It began with those that it had.
