"""What listens in the network during a search."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import doors, meeting, processes, scripts
from tests.support.ray_cluster import RayCluster
from tuner_component.search.options import Cluster, SearchOptions

pytestmark = pytest.mark.slow


def test_nothing_listens_but_what_must(
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    place: meeting.Meeting,
) -> None:
    """Anyone in the network could talk to the processes of a search."""
    script = scripts.Script(
        str(tmp_path / "work"), trials=2, act="meet", meeting=place.address
    )
    options = SearchOptions(num_workers=2, seed=7, cluster=Cluster(cluster.address))
    executor = executors.start(
        scripts.search, script.entry(), str(tmp_path / "study"), options
    )
    guests = [place.next(150), place.next(150)]
    ours, brokers, agents = [], [], []
    for pid in (*executors.descendants(), *cluster.search_processes()):
        command = processes.command(pid)
        if "ray::Agent" in command:
            agents.append(pid)
        elif "broker" in command:
            brokers.append(pid)
        else:
            ours.append(pid)
    found = {
        pid: (processes.command(pid)[:40], doors.listening(pid))
        for pid in (*brokers, *agents)
    }
    print(found, cluster.address)
    opened = [door for pid in ours for door in doors.listening(pid)]
    for guest in guests:
        guest.release()
    executor.result(200)
    assert opened == []
    assert 0
