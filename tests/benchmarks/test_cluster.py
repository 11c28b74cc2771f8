"""What a search on a cluster costs: how it is measured."""

import argparse
import time
from typing import Any

import pytest

from benchmarks import cluster
from tests.support import processes
from tuner_component.search.options import Cluster, SearchOptions


def _simulated() -> dict[str, Any]:
    options = SearchOptions(num_workers=2, seed=1, cluster=Cluster("simulated:1"))
    watch = cluster._Watch()
    with cluster._simulated_cluster():
        found = cluster._search(
            "simulated", {"trials": 6, "seconds": 0.2}, options, watch
        )
    return {**found, "cpu": watch.cpu("driver"), "first_place": watch.first_place}


@pytest.mark.slow
def test_a_simulated_cluster_is_one_for_the_driver() -> None:
    """What the driver costs with hundreds of workers could not be measured."""
    executors = processes.Executors()
    try:
        found = executors.start(_simulated).result(120)
    finally:
        executors.close()
    assert found["search_s"] >= 3 * 0.2 * 0.9
    assert found["first_place"] is not None and found["cpu"] > 0.0


def test_what_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """One section that hangs would cost the figures of all others."""
    monkeypatch.setattr(cluster, "_limit_s", lambda name: 1)

    def hang(arguments: argparse.Namespace, address: str) -> dict[str, Any]:
        time.sleep(60)
        raise AssertionError

    monkeypatch.setitem(cluster.SECTIONS, "growth", hang)
    found = cluster._measured("growth", argparse.Namespace(), "")
    assert found["met"] is False and "1 seconds" in found["failed"]


def test_gaps_are_those_between_trials_of_one_worker() -> None:
    """Workers that start one after the other would count as slow ones."""
    times = [
        {"pid": pid, "began": began, "ended": began + 1.0}
        for pid, began in ((1, 0.0), (1, 1.1), (2, 0.5), (2, 1.8))
    ]
    found = cluster._summary(times)
    assert found["processes"] == 2
    assert found["until_all_run_s"] == 0.5
    assert found["search_s"] == pytest.approx(2.8)
    assert found["gap_between_trials_ms"]["mean"] == pytest.approx(200)
