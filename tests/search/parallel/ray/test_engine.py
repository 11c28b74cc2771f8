"""Searches on a Ray cluster: real nodes, each with an address of this machine."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.search.parallel.ray.conftest import Search
from tests.support import limits, meeting, processes, scripts
from tests.support.ray_cluster import RayCluster
from tuner_component.search import events
from tuner_component.search.errors import SearchError
from tuner_component.search.options import Cluster, SearchOptions
from tuner_component.search.parallel.protocol import EntryPoint
from tuner_component.search.study.history import node_of
from tuner_component.search.study.history_reading import read_history

pytestmark = pytest.mark.slow


@pytest.fixture
def options(cluster: RayCluster) -> SearchOptions:
    """Two trials at a time on the cluster."""
    return SearchOptions(num_workers=2, seed=7, cluster=Cluster(cluster.address))


def test_a_search_runs_on_the_nodes(
    search: Search, tmp_path: Path, place: meeting.Meeting
) -> None:
    """Trials would run somewhere else, or what they print would stay there."""
    study = tmp_path / "study"
    script = search.script(
        trials=5, act="meet", acts={"2": ["print"]}, meeting=place.address
    )
    executor = search.start(script, how=scripts.observed_search, num_workers=4)
    for guest in [place.next() for _ in range(4)]:  # On all places at once.
        guest.release()
    result, told = executor.result()
    assert scripts.scores(result) == {str(number): number / 10 for number in range(5)}
    workers = {e.worker for e in told if isinstance(e, events.TrialStarted)}
    assert {worker.partition("@")[2] for worker in workers} <= {
        "127.0.0.3",
        "127.0.0.4",
    }
    assert events.PlacesChanged(4, 4, 2) in told
    log = (study / "trials" / "2" / "log.txt").read_text()
    assert "from Python" in log and "from C" in log
    assert not list(study.glob("probe-*"))


def test_a_dead_worker_costs_one_attempt(search: Search) -> None:
    """A crash on a node would end the search, or be taken for the node's."""
    dies = search.script(trials=3, acts={"0": ["die", "ok"], "1": ["crash"]})
    result, told = search.start(dies, how=scripts.observed_search).result()
    assert scripts.scores(result) == {"0": 0.0, "2": 0.2}
    assert scripts.attempts(dies) == {0: 2, 1: 3, 2: 1}
    reasons = {e.reason for e in told if isinstance(e, events.AttemptLost)}
    assert reasons == {
        "a worker killed by signal 9 (SIGKILL)",
        "a worker killed by signal 11 (SIGSEGV)",
    }


def test_an_error_of_tuner_fn_is_the_users_to_read(search: Search) -> None:
    """He would be told that workers exit, and have to look for logs on nodes."""
    broken = search.script(worker_fault="raise")
    executor = search.start(broken)
    with pytest.raises(Exception, match="tuner_fn"):
        executor.result()


def test_a_node_that_dies_costs_its_trials_one_attempt(
    search: Search, cluster: RayCluster, tmp_path: Path, place: meeting.Meeting
) -> None:
    """The loss of a machine would lose its trials, or end the search."""
    cluster.add("127.0.0.5", cpus=2, resources={"big": 2})
    meets = search.script(trials=2, act="meet", meeting=place.address)
    executor = search.start(
        meets,
        how=scripts.observed_search,
        cluster=Cluster(cluster.address, resources_per_trial={"big": 1}),
        max_retries=1,
    )
    guests = [place.next(), place.next()]
    cluster.kill("127.0.0.5")
    cluster.add("127.0.0.6", cpus=2, resources={"big": 2})
    guests += [place.next(), place.next()]
    for guest in guests:
        guest.release()
    result, told = executor.result()
    cluster.kill("127.0.0.6")
    assert scripts.scores(result) == {"0": 0.0, "1": 0.1}
    assert scripts.attempts(meets) == {0: 2, 1: 2}
    lost = [e.reason for e in told if isinstance(e, events.AttemptLost)]
    assert len(lost) == 2 and all("its node" in reason for reason in lost)
    assert {node_of(worker) for worker in _workers(tmp_path)} == {"127.0.0.5"}


def test_a_node_that_is_taken_away_costs_no_attempt_and_no_finished_epoch(
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    options: SearchOptions,
    place: meeting.Meeting,
) -> None:
    """On machines that are taken away, trials would fail, or train the same epochs again."""
    cluster.add("127.0.0.11", cpus=2, resources={"spot": 1})
    on_spot = dataclasses.replace(
        options,
        cluster=Cluster(cluster.address, resources_per_trial={"spot": 1}),
        num_workers=1,
        max_retries=0,
    )
    argument = json.dumps([str(tmp_path), place.address]).encode()
    entry = EntryPoint("tests.support.killed_workers:make_unsaved", argument)
    study = tmp_path / "study"
    executor = executors.start(scripts.observed_search, entry, str(study), on_spot)
    place.next().release()
    first = place.next()
    assert first.news["epoch"] == 1
    cluster.drain("127.0.0.11", 15)
    while "will be taken away" not in (study / "logs" / "driver.log").read_text():
        time.sleep(0.01)
    first.release()
    guests = [place.next()]
    cluster.add("127.0.0.12", cpus=2, resources={"spot": 1})
    for epoch in (2, 3, 4):
        guests.append(place.next())
        assert guests[-1].news["epoch"] == epoch
        guests[-1].release()
    result, told = executor.result()
    cluster.kill("127.0.0.11")
    cluster.kill("127.0.0.12")
    assert guests[0].news["epoch"] == 2 and guests[0].pid != guests[1].pid
    assert len(result.completed) == 1
    (lost,) = [e.reason for e in told if isinstance(e, events.AttemptLost)]
    assert "taken away" in lost


def test_nothing_is_left_of_a_driver_that_is_killed(
    search: Search, cluster: RayCluster, place: meeting.Meeting
) -> None:
    """Agents and workers would keep a cluster busy for nobody."""
    meets = search.script(trials=3, acts={"1": ["meet"]}, meeting=place.address)
    executor = search.start(meets, num_workers=1)
    guest = place.next()
    left = [guest.pid, *cluster.search_processes()]
    assert len(left) > 2
    family = [executor.pid, *processes.descendants(executor.pid)]
    processes.kill(*family)
    assert processes.wait_until_gone(left, 10) < 10
    again = search.start(meets, num_workers=1)
    place.next().release()
    assert scripts.scores(again.result()) == {"0": 0.0, "1": 0.1, "2": 0.2}
    assert scripts.attempts(meets) == {0: 1, 1: 2, 2: 1}


def test_an_agent_that_dies_takes_its_workers_along(
    search: Search, cluster: RayCluster, place: meeting.Meeting
) -> None:
    """A trial would go on that the driver has given to another worker."""
    meets = search.script(trials=1, act="meet", meeting=place.address)
    executor = search.start(meets, num_workers=1)
    guest = place.next()
    os.kill(cluster.search_processes()[0], signal.SIGKILL)
    assert processes.wait_until_gone([guest.pid], 5) < 5
    place.next().release()
    assert scripts.scores(executor.result()) == {"0": 0.0}
    assert scripts.attempts(meets) == {0: 2}


def test_a_node_on_which_trials_end_agents_is_used_again(
    search: Search, cluster: RayCluster
) -> None:
    """A few bad trials would take one node after the other from a search."""
    cluster.add("127.0.0.10", cpus=2, resources={"frail": 1})
    ends = search.script(trials=2, acts={"0": [*4 * ["end the search"], "ok"]})
    executor = search.start(
        ends,
        cluster=Cluster(cluster.address, resources_per_trial={"frail": 1}, wait_s=60),
        num_workers=1,
        max_retries=9,
    )
    result = executor.result(4 * limits.WAIT_S)  # Five agents start.
    cluster.kill("127.0.0.10")
    assert scripts.scores(result) == {"0": 0.0, "1": 0.1}
    assert scripts.attempts(ends) == {0: 5, 1: 1}


def test_trials_see_the_gpus_of_their_place(
    search: Search, cluster: RayCluster, tmp_path: Path
) -> None:
    """Two trials would share a GPU that each thinks its own."""
    cluster.add("127.0.0.9", cpus=2, num_gpus=2)
    sees = search.script(trials=2, act="print CUDA_VISIBLE_DEVICES")
    search.start(sees, gpus_per_trial=1.0).result()
    cluster.kill("127.0.0.9")
    logs = (tmp_path / "study" / "trials").glob("*/log.txt")
    lines = {line for log in logs for line in log.read_text().splitlines()}
    assert {line for line in lines if line in ("0", "1")} <= {"0", "1"}
    assert lines & {"0", "1"} and "-1" not in lines


def test_places_that_cannot_be_had_are_named(
    search: Search, cluster: RayCluster
) -> None:
    """A search would wait for ever for a GPU that no node has."""
    too_much = Cluster(cluster.address, resources_per_trial={"tpu": 4}, wait_s=2)
    executor = search.start(search.script(), cluster=too_much)
    with pytest.raises(SearchError, match=r"1 CPU, 4 tpu free.*127\.0\.0\.3 \(2 CPU"):
        executor.result()


def test_no_cluster_is_an_error_that_says_so(search: Search) -> None:
    """One line of Ray's, from deep below, would have to be looked for in a log."""
    nowhere = Cluster("127.0.0.99:1")
    executor = search.start(search.script(), cluster=nowhere)
    with pytest.raises(SearchError, match="Expected a Ray cluster at 127.0.0.99:1"):
        executor.result(120)


def _workers(directory: Path) -> set[str]:
    record = json.loads((directory / "study" / "study.json").read_text())
    history = read_history(str(directory / "study"), record["id"], record)
    return {a["worker"] for t in history.trials.values() for a in t.attempts}


def test_a_finished_study_needs_no_cluster(search: Search) -> None:
    """What was found could not be published again once its cluster is gone."""
    script = search.script()
    first = search.start(script).result()
    again = search.start(script, cluster=Cluster("127.0.0.99:1")).result(10)
    assert scripts.scores(again) == scripts.scores(first)
