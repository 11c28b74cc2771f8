"""What a search finds does not depend on where its trials run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import families, limits, meeting, processes, scripts
from tests.support.ray_cluster import RayCluster
from tuner_component.search.options import Cluster, SearchOptions
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel.protocol import EntryPoint

pytestmark = pytest.mark.slow

HERE = SearchOptions(num_workers=1, seed=7)


def start(
    executors: processes.Executors,
    directory: Path,
    options: SearchOptions = HERE,
    address: str = "",
    search: Callable[..., SearchResult] = scripts.search,
) -> processes.Executor:
    """Trains two Keras models for four epochs each, or what is left of that."""
    directory.mkdir(exist_ok=True)
    argument = json.dumps([str(directory), address]).encode()
    entry = EntryPoint("tests.support.killed_workers:make", argument)
    return executors.start(search, entry, str(directory / "study"), options)


def found(result: Any) -> list[tuple[str, float, str]]:
    return [
        (trial["trial_id"], trial["score"], json.dumps(trial["hyperparameters"]))
        for trial in result.completed
    ]


@pytest.mark.on_demand
def test_a_search_finds_the_same_wherever_it_runs(
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    place: meeting.Meeting,
) -> None:
    """A search that was moved to a cluster, or back, would find something else."""
    there = dataclasses.replace(HERE, cluster=Cluster(cluster.address))
    in_process = start(
        executors, tmp_path / "process", search=scripts.search_in_process
    )
    on_cluster = start(executors, tmp_path / "cluster", there)
    here = start(executors, tmp_path / "here", search=scripts.search_here)
    expected = found(in_process.result())
    assert len(expected) == 2
    assert found(on_cluster.result()) == found(here.result()) == expected
    # Killed in its third epoch on the cluster, and again in a worker of this machine.
    for options, search in [(there, scripts.search), (HERE, scripts.search_here)]:
        moved = tmp_path / "moved"
        executor = start(executors, moved, options, place.address, search)
        guest = place.next()
        family = {guest.pid, *cluster.search_processes(), *families.kill(executor.pid)}
        processes.wait_until_gone(list(family), limits.WAIT_S)
    assert found(start(executors, tmp_path / "moved", there).result()) == expected
    begun = (tmp_path / "moved" / "begun").read_text().split()
    assert begun == [*"012", "2", *"23", *"0123"]
