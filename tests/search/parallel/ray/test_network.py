"""Nodes whose network is cut: they have addresses of their own, in namespaces."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import meeting, namespaces, processes, scripts
from tests.support.ray_cluster import RayCluster
from tuner_component.search import events
from tuner_component.search.errors import SearchInterruptedError
from tuner_component.search.options import Cluster, SearchOptions

pytestmark = [pytest.mark.slow, pytest.mark.on_demand]

# The shortest that a cluster's nodes are given.
_LIMIT_S = 15.0
# The first agent of a node takes its time on a busy machine.
_START_S = 150.0


@pytest.fixture(scope="module")
def network() -> Iterator[namespaces.Network]:
    """Two machines beside this one."""
    try:
        made = namespaces.Network(2)
    except PermissionError as error:
        pytest.skip(f"network namespaces cannot be made: {error}")
    yield made
    made.close()


@pytest.fixture(scope="module")
def apart(network: namespaces.Network) -> Iterator[RayCluster]:
    """A cluster whose head is on this machine, and whose nodes are on the others."""
    with tempfile.TemporaryDirectory(prefix="ray_") as directory:
        cluster = RayCluster(Path(directory), host=network.address)
        try:
            for number, host in enumerate(network.hosts):
                cluster.add(
                    host,
                    network=network.namespace(host),
                    resources={f"machine-{number}": 2, "any": 2},
                )
            yield cluster
        finally:
            cluster.close()


@pytest.fixture(scope="module")
def _executors(apart: RayCluster) -> Iterator[processes.Executors]:
    with apart.executors() as executors:
        yield executors


@pytest.fixture
def executors(
    _executors: processes.Executors, apart: RayCluster
) -> Iterator[processes.Executors]:
    """Starts executors; afterwards nothing that a search started may be left."""
    with apart.nothing_left(_executors):
        yield _executors


def script(directory: Path, place: meeting.Meeting, trials: int) -> scripts.Script:
    return scripts.Script(
        str(directory), trials=trials, act="meet, tick", meeting=place.address
    )


def options(cluster: RayCluster, resource: str, **more: int) -> SearchOptions:
    where = Cluster(cluster.address, resources_per_trial={resource: 1})
    return SearchOptions(seed=7, cluster=where, heartbeat_timeout_s=_LIMIT_S, **more)


def test_a_short_break_of_the_network_costs_nothing(
    executors: processes.Executors,
    apart: RayCluster,
    network: namespaces.Network,
    tmp_path: Path,
    place: meeting.Meeting,
) -> None:
    """A switch that starts anew would cost all running trials an attempt."""
    ticks = script(tmp_path, place, trials=2)
    executor = executors.start(
        scripts.observed_search,
        ticks.entry(),
        str(tmp_path / "study"),
        options(apart, "machine-0", num_workers=2, max_retries=0),
    )
    for _ in range(2):
        place.next(_START_S).release()
    network.cut(network.hosts[0])
    assert not executor.ended(5)
    network.mend(network.hosts[0])
    assert not executor.ended(_LIMIT_S)  # What was missed would have been noticed.
    (tmp_path / "end").touch()
    result, told = executor.result(200)
    assert scripts.scores(result) == {"0": 0.0, "1": 0.1}
    assert scripts.attempts(ticks) == {0: 1, 1: 1}
    assert not [e for e in told if isinstance(e, events.AttemptLost)]


@pytest.mark.parametrize("way", ["cut", "mute"])
def test_a_node_that_is_cut_off_ends_before_its_trials_go_on_elsewhere(
    executors: processes.Executors,
    apart: RayCluster,
    network: namespaces.Network,
    tmp_path: Path,
    place: meeting.Meeting,
    way: str,
) -> None:
    """Two workers would write into one trial's files, and the late one might win."""
    ticks = script(tmp_path, place, trials=4)
    executor = executors.start(
        scripts.observed_search,
        ticks.entry(),
        str(tmp_path / "study"),
        options(apart, "any", num_workers=4, max_retries=1),
    )
    guests = [place.next(_START_S) for _ in range(4)]
    hosts = {guest.news["trial"]: network.host_of(guest.pid) for guest in guests}
    cut, other = network.hosts
    late, lost = sorted(trial for trial, host in hosts.items() if host == cut)
    for guest in guests:
        guest.release()

    getattr(network, way)(cut)
    began = time.monotonic()
    best = tmp_path / f"end-{late}"
    best.write_text("-1")  # Its result is lost on the way, for now.
    for trial, host in hosts.items():
        if host == other:
            (tmp_path / f"end-{trial}").touch()
    ended = [g.pid for g in guests if hosts[g.news["trial"]] == cut]
    processes.wait_until_gone(ended, _LIMIT_S * 0.6)
    gone = time.monotonic()
    best.unlink()
    again = [place.next(150) for _ in range(2)]
    assert time.monotonic() < began + _LIMIT_S
    assert {guest.news["trial"] for guest in again} == {late, lost}
    assert {network.host_of(guest.pid) for guest in again} == {other}

    network.mend(cut)
    for guest in again:
        guest.release()
    assert not executor.ended(3)  # Now it comes.
    (tmp_path / "end").touch()
    result, told = executor.result(200)
    assert scripts.scores(result) == {"0": 0.0, "1": 0.1, "2": 0.2, "3": 0.3}
    assert result.completed[0]["trial_id"] == "0"
    assert sorted(e.trial_id for e in told if isinstance(e, events.TrialEnded)) == [
        "0",
        "1",
        "2",
        "3",
    ]
    assert scripts.attempts(ticks) == {n: 1 + (hosts[n] == cut) for n in range(4)}
    for trial in (late, lost):
        (_, end_of_first), (start_of_second, _) = scripts.ticks(ticks, trial)
        assert end_of_first <= gone < start_of_second
    reasons = {e.reason for e in told if isinstance(e, events.AttemptLost)}
    assert reasons == {
        "a worker that was lost: no sign of life from its node for 12 seconds"
    }


def test_a_driver_whose_node_is_cut_off_ends_before_the_executor_gives_it_up(
    executors: processes.Executors,
    apart: RayCluster,
    network: namespaces.Network,
    tmp_path: Path,
    place: meeting.Meeting,
) -> None:
    """The search would be run again while a driver that nobody hears writes to it."""
    ticks = script(tmp_path, place, trials=1)
    study = tmp_path / "study"
    where = Cluster(apart.address, driver_on_cluster=True)
    executor = executors.start(
        scripts.search,
        ticks.entry(),
        str(study),
        SearchOptions(
            num_workers=1, seed=7, cluster=where, heartbeat_timeout_s=_LIMIT_S
        ),
    )
    place.next(_START_S).release()
    (log,) = (study / "logs").glob("driver_server@*.log")
    host = log.stem.partition("@")[2]
    there = apart.search_processes()
    searching = [pid for pid in there if "ray::" not in processes.command(pid)]
    network.cut(host)
    processes.wait_until_gone(searching, _LIMIT_S * 0.6)
    assert not executor.ended(0)
    said = f"no sign of life from the driver's node {host} for 12 seconds.*run the same"
    with pytest.raises(SearchInterruptedError, match=said):
        executor.result(_LIMIT_S)
    network.mend(host)
    processes.wait_until_gone(there, 20)
