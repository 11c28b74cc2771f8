"""Nodes that come late, stand still, have another time, or no space."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import clocks, meeting, processes, scripts
from tests.support.ray_cluster import RayCluster
from tuner_component.search import events
from tuner_component.search.options import Cluster, SearchOptions
from tuner_component.search.study.history import node_of

pytestmark = [pytest.mark.slow, pytest.mark.on_demand]

# The shortest that a cluster's nodes are given.
_LIMIT_S = 15.0


@pytest.fixture
def options(cluster: RayCluster) -> SearchOptions:
    """One trial at a time, in which little patience is had."""
    return SearchOptions(
        num_workers=1,
        seed=7,
        heartbeat_timeout_s=_LIMIT_S,
        cluster=Cluster(cluster.address),
    )


def script(directory: Path, place: meeting.Meeting, **changes: Any) -> scripts.Script:
    made = scripts.Script(str(directory), act="meet, tick", meeting=place.address)
    return dataclasses.replace(made, **changes)


def _parent(pid: int) -> int:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[1])


def test_a_node_that_joins_gets_trials_whatever_time_it_has(
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    options: SearchOptions,
    place: meeting.Meeting,
) -> None:
    """A cluster that grows would not help; or an odd clock would count as a death."""
    ticks = script(tmp_path, place, trials=5)
    executor = executors.start(
        scripts.observed_search,
        ticks.entry(),
        str(tmp_path / "study"),
        dataclasses.replace(options, num_workers=5, max_retries=0),
    )
    guests = [place.next(150) for _ in range(4)]
    cluster.add("127.0.0.14", cpus=1, environment={clocks.AHEAD_S: "-86400"})
    guests.append(place.next(150))
    for guest in guests:
        guest.release()
    assert not executor.ended(_LIMIT_S)
    (tmp_path / "end").touch()
    result, told = executor.result(200)
    cluster.kill("127.0.0.14")
    assert scripts.scores(result) == {str(n): n / 10 for n in range(5)}
    assert result.completed[0]["trial_id"] == "0"
    started = [e for e in told if isinstance(e, events.TrialStarted)]
    assert [node_of(e.worker) for e in started][-1] == "127.0.0.14"
    assert scripts.attempts(ticks) == dict.fromkeys(range(5), 1)


@pytest.mark.parametrize("who", ["agent", "fork server"])
def test_one_that_stands_still_for_a_moment_costs_nothing(
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    options: SearchOptions,
    place: meeting.Meeting,
    who: str,
) -> None:
    """A machine that swaps for a few seconds would cost its trials an attempt."""
    ticks = script(tmp_path, place, trials=1)
    executor = executors.start(
        scripts.search,
        ticks.entry(),
        str(tmp_path / "study"),
        dataclasses.replace(options, max_retries=0),
    )
    guest = place.next(150)
    guest.release()
    stopped = _process(cluster, guest, who)
    os.kill(stopped, signal.SIGSTOP)
    assert not executor.ended(5)
    os.kill(stopped, signal.SIGCONT)
    assert not executor.ended(_LIMIT_S)
    (tmp_path / "end").touch()
    assert scripts.scores(executor.result(200)) == {"0": 0.0}
    assert scripts.attempts(ticks) == {0: 1}


@pytest.mark.parametrize("who", ["agent", "fork server"])
def test_one_that_stands_still_for_ever_costs_one_attempt(
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    options: SearchOptions,
    place: meeting.Meeting,
    who: str,
) -> None:
    """The trial would go on twice, or the search would wait for ever."""
    ticks = script(tmp_path, place, trials=1)
    executor = executors.start(
        scripts.observed_search,
        ticks.entry(),
        str(tmp_path / "study"),
        dataclasses.replace(options, max_retries=1),
    )
    guest = place.next(150)
    guest.release()
    os.kill(_process(cluster, guest, who), signal.SIGSTOP)
    second = place.next(150)
    processes.wait_until_gone([guest.pid], 0)
    second.release()
    assert not executor.ended(1)
    (tmp_path / "end").touch()
    result, told = executor.result(200)
    assert scripts.scores(result) == {"0": 0.0}
    assert scripts.attempts(ticks) == {0: 2}
    (_, end_of_first), (start_of_second, _) = scripts.ticks(ticks, 0)
    assert end_of_first < start_of_second
    assert len([e for e in told if isinstance(e, events.AttemptLost)]) == 1


def test_a_full_disk_costs_its_node_only(
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    options: SearchOptions,
    place: meeting.Meeting,
    mount: Callable[[str], Path],
) -> None:
    """One node's full /tmp would end the search, or fail one trial after the other."""
    small = mount("size=4m")
    cluster.add(
        "127.0.0.15", cpus=2, environment={"TMPDIR": str(small)}, resources={"disk": 1}
    )
    meets = script(tmp_path, place, trials=3, act="meet, print")
    here = Cluster(cluster.address, resources_per_trial={"disk": 1})
    executor = executors.start(
        scripts.watched_search,
        meets.entry(),
        str(tmp_path / "study"),
        dataclasses.replace(options, cluster=here, max_retries=1),
    )
    guest = place.next(150)
    ballast = small / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    guest.release()
    cluster.add("127.0.0.16", cpus=2, resources={"disk": 1})
    for _ in range(3):
        place.next(150).release()
    result, told, warnings = executor.result(200)
    cluster.kill("127.0.0.15")
    cluster.kill("127.0.0.16")
    assert scripts.scores(result) == {"0": 0.0, "1": 0.1, "2": 0.2}
    assert scripts.attempts(meets) == {0: 2, 1: 1, 2: 1}
    (warning,) = [text for text in warnings if "127.0.0.15" in text]
    assert "no space is left" in warning and str(small) in warning
    assert {node_of(e.worker) for e in told if isinstance(e, events.TrialStarted)} == {
        "127.0.0.15",
        "127.0.0.16",
    }


def _process(cluster: RayCluster, guest: meeting.Guest, who: str) -> int:
    return cluster.search_processes()[0] if who == "agent" else _parent(guest.pid)
