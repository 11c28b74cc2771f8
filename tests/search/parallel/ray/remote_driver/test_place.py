"""Searches whose driver runs on a node of the cluster."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from tests.search.parallel.ray.conftest import HOSTS, Search
from tests.support import limits, meeting, node_servers, processes, scripts
from tests.support.ray_cluster import RayCluster
from tuner_component.search.errors import SearchError, SearchInterruptedError
from tuner_component.search.machine import posix
from tuner_component.search.options import Cluster, SearchOptions
from tuner_component.search.study.study import Study, StudyState

pytestmark = pytest.mark.slow


@pytest.fixture
def options(cluster: RayCluster) -> SearchOptions:
    """One trial at a time, and all of the search on the cluster."""
    return SearchOptions(
        num_workers=1, seed=7, cluster=Cluster(cluster.address, driver_on_cluster=True)
    )


def node_of_driver(study: Path) -> str:
    """The node on which the driver was started."""
    (log,) = (study / "logs").glob("driver_server@*.log")
    return log.stem.partition("@")[2]


def test_a_search_is_the_same_wherever_its_driver_runs(
    executors: processes.Executors, tmp_path: Path, options: SearchOptions
) -> None:
    """A search that was moved would find something else, or its logs be lost."""
    found = []
    wheres = [
        ("a", scripts.search, options.cluster),
        ("b", scripts.search_here, None),
    ]
    for name, how, cluster in wheres:
        directory = tmp_path / name
        directory.mkdir()
        search = Search(executors, directory, options)
        prints = search.script(acts={"2": ["print"]})
        result = search.start(prints, how=how, cluster=cluster).result()
        assert len(result.completed) == 4
        found.append([(t["score"], t["hyperparameters"]) for t in result.completed])
    assert found[0] == found[1]
    study = tmp_path / "a" / "study"
    assert node_of_driver(study) in HOSTS
    assert "from Python" in (study / "trials" / "2" / "log.txt").read_text()
    assert not list(study.glob("probe-*"))


def test_nothing_is_left_when_the_executor_is_killed(
    search: Search,
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    place: meeting.Meeting,
) -> None:
    """A driver that nobody waits for would hold its study, and keep the cluster busy."""
    meets = search.script(trials=3, acts={"1": ["meet"]}, meeting=place.address)
    study = tmp_path / "study"
    executor = search.start(meets)
    guest = place.next()
    here, there = executors.descendants(), cluster.search_processes()
    # The executor and one process that talks to Ray; all else is on the nodes.
    assert len(here) == 2 and guest.pid in there
    processes.kill(executor.pid)
    assert processes.wait_until_gone([*here, *there], 10) < 10
    with Study.open(str(study), scripts.FINGERPRINT) as again:
        assert again.found is StudyState.RESUMED


@pytest.mark.on_demand
def test_a_search_whose_drivers_node_dies_goes_on_when_it_is_run_again(
    search: Search, cluster: RayCluster, tmp_path: Path, place: meeting.Meeting
) -> None:
    """The executor would wait for ever, or people would not know what to do."""
    meets = search.script(trials=3, acts={"1": ["meet"]}, meeting=place.address)
    study = tmp_path / "study"
    executor = search.start(meets)
    guest = place.next()
    left = [guest.pid, *cluster.search_processes()]
    host = node_of_driver(study)
    cluster.kill(host)
    with pytest.raises(SearchInterruptedError) as error:
        executor.result(30)
    cluster.add(host)
    text = str(error.value)
    assert f"Received: the driver's node {host} has" in text
    assert "run the same search again" in text and "driver.log ends with" in text
    processes.wait_until_gone(left, 20)
    again = search.start(meets)
    place.next().release()
    assert scripts.scores(again.result()) == {"0": 0.0, "1": 0.1, "2": 0.2}
    assert scripts.attempts(meets) == {0: 1, 1: 2, 2: 1}


@pytest.mark.on_demand
def test_a_driver_that_is_killed_is_told_as_where_it_runs_here(
    search: Search, cluster: RayCluster, place: meeting.Meeting
) -> None:
    """People would look for the fault in the cluster."""
    meets = search.script(trials=1, act="meet", meeting=place.address)
    executor = search.start(meets)
    guest = place.next()
    left = [guest.pid, *cluster.search_processes()]
    (driver,) = (
        child
        for pid in cluster.search_processes()
        for child, other in itertools.permutations(posix.children(pid), 2)
        if "broker.serve" in processes.command(other)
    )
    os.kill(driver, signal.SIGKILL)
    with pytest.raises(SearchInterruptedError, match="driver was killed by signal 9"):
        executor.result(30)
    processes.wait_until_gone(left, 20)


@pytest.mark.on_demand
def test_sigterm_lets_running_trials_finish(
    search: Search, tmp_path: Path, place: meeting.Meeting
) -> None:
    """Preemption would throw away what was nearly done."""
    meets = search.script(trials=3, act="meet", meeting=place.address)
    executor = search.start(meets)
    guest = place.next()
    os.kill(executor.pid, signal.SIGTERM)
    log, until = tmp_path / "study/logs/driver.log", time.monotonic() + limits.WAIT_S
    while "asked to stop" not in log.read_text():
        assert time.monotonic() < until
        time.sleep(0.01)
    guest.release()
    with pytest.raises(SearchInterruptedError, match="1 trial has completed"):
        executor.result()


@pytest.mark.on_demand
def test_nodes_with_other_versions_get_no_driver(
    search: Search, tmp_path: Path
) -> None:
    """The search would come out differently, or fail somewhere deep below."""
    information = tmp_path / "packages" / "torch-99.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Name: torch\nVersion: 99\n")
    executor = search.start(search.script(), (), str(information.parent))
    with pytest.raises(SearchError, match="can run the search's driver") as error:
        executor.result()
    for host in HOSTS:
        assert f"the node {host}: it has torch missing instead of 99" in str(
            error.value
        )


def fill(
    search: Search, cluster: RayCluster, place: meeting.Meeting
) -> tuple[Any, list[meeting.Guest]]:
    """Has another search take all places; returns its executor, and what it runs."""
    search.directory.mkdir()
    fills = search.script(act="meet", meeting=place.address)
    full = search.start(fills, num_workers=4, cluster=Cluster(cluster.address))
    return full, [place.next() for _ in range(4)]


@pytest.mark.on_demand
def test_a_node_on_which_no_driver_can_be_started_is_left_out(
    search: Search,
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    options: SearchOptions,
    place: meeting.Meeting,
) -> None:
    """One node would end the search, with fit ones beside it."""
    # The fit ones are full until the other one was tried.
    other = Search(executors, tmp_path / "full", options)
    full, guests = fill(other, cluster, place)
    mute = "127.0.0.15"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as closed:
        closed.bind(str(tmp_path / "s"))
        closed.listen()
        closed.settimeout(limits.WAIT_S)
        cluster.add(mute, environment={node_servers.ADDRESS: str(tmp_path / "s")})
        executor = search.start(search.script(), how=scripts.watched_search)
        for _ in range(3):  # It may be chance before.
            closed.accept()[0].close()  # Who asked there gets no fork server.
    for guest in guests:
        guest.release()
    result, _, warnings = executor.result()
    cluster.kill(mute)
    assert len(full.result().completed) == len(result.completed) == 4
    (warning,) = [text for text in warnings if mute in text]
    assert "left out" in warning and "could not be started" in warning


def test_a_driver_that_gets_no_place_is_told_so(
    search: Search,
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    options: SearchOptions,
    place: meeting.Meeting,
) -> None:
    """A search would wait for ever for a cluster that others use."""
    other = Search(executors, tmp_path / "full", options)
    full, guests = fill(other, cluster, place)
    busy = Cluster(cluster.address, wait_s=1.0, driver_on_cluster=True)
    executor = search.start(search.script(), cluster=busy)
    with pytest.raises(SearchError, match=r"a node with 1 CPU free. Received: none"):
        executor.result()
    for guest in guests:
        guest.release()
    assert len(full.result().completed) == 4


def test_a_finished_study_needs_no_cluster(search: Search) -> None:
    """What was found could not be published again once its cluster is gone."""
    script = search.script()
    first = search.start(script, how=scripts.search_here, cluster=None).result()
    nowhere = Cluster("127.0.0.99:1", driver_on_cluster=True)
    again = search.start(script, cluster=nowhere).result(20)
    assert scripts.scores(again) == scripts.scores(first)
