"""Searches whose driver runs on a node of the cluster."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support import meeting, processes, scripts
from tests.support.ray_cluster import RayCluster
from tuner_component.search.errors import SearchError, SearchInterruptedError
from tuner_component.search.options import Cluster, SearchOptions

pytestmark = pytest.mark.slow


@pytest.fixture
def options(cluster: RayCluster) -> SearchOptions:
    """One trial at a time, and all on the cluster."""
    return SearchOptions(
        num_workers=1, seed=7, cluster=Cluster(cluster.address, driver_on_cluster=True)
    )


def script(directory: Path, **changes: Any) -> scripts.Script:
    work = directory / "work"
    work.mkdir(exist_ok=True)
    return scripts.Script(str(work), **changes)


def test_a_search_is_the_same_wherever_its_driver_runs(
    executors: processes.Executors, tmp_path: Path, options: SearchOptions
) -> None:
    """A search that was moved would find something else."""
    entry = script(tmp_path).entry()
    result, told = executors.start(
        scripts.observed_search, entry, str(tmp_path / "study"), options
    ).result()
    assert scripts.scores(result) == {"0": 0.0, "1": 0.1, "2": 0.2, "3": 0.3}
