"""Nodes whose memory runs out: Ray ends a process of its own there, which is the agent."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import meeting, namespaces, processes, scripts
from tests.support.ray_cluster import RayCluster
from tuner_component.search import events
from tuner_component.search.options import Cluster, SearchOptions
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel.protocol import EntryPoint

pytestmark = [pytest.mark.slow, pytest.mark.on_demand]

_HOST = "127.0.0.14"


@pytest.fixture
def small(cluster: RayCluster) -> Iterator[Path]:
    """A node as in a container of 2 GiB, and the container's control group."""
    if reason := namespaces.missing():
        pytest.skip(reason)
    every = Path("/sys/fs/cgroup/memory")
    group = every / f"tuner_component_test_{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(2 << 30))
    except OSError as error:
        pytest.skip(f"making control groups takes root's rights: {error}")
    cluster.add(
        _HOST,
        environment={
            "RAY_memory_usage_threshold": "0.4",
            "RAY_memory_monitor_refresh_ms": "100",
        },
        hidden={str(every): str(group)},
        resources={"small": 3},
        cpus=3,
    )
    yield group
    cluster.kill(_HOST)
    for pid in (group / "cgroup.procs").read_text().split():
        (every / "cgroup.procs").write_text(pid)
    group.rmdir()


def test_a_node_out_of_memory_costs_its_trials_one_attempt(
    cluster: RayCluster,
    small: Path,  # Before what ends the search: the group can only go after that.
    executors: processes.Executors,
    tmp_path: Path,
    place: meeting.Meeting,
) -> None:
    """All of them would be run one by one, or the node not be used again."""
    (tmp_path / "work").mkdir()
    beside = ["meet, tick", "meet"]
    script = scripts.Script(
        str(tmp_path / "work"),
        trials=4,
        acts={"0": ["meet, grow", "ok"], "1": beside, "2": beside},
        meeting=place.address,
    )
    options = SearchOptions(
        num_workers=3,
        seed=7,
        max_retries=1,
        cluster=Cluster(cluster.address, resources_per_trial={"small": 1}),
    )
    executor = executors.start(
        scripts.observed_search, script.entry(), str(tmp_path / "study"), options
    )
    guests = {guest.news["trial"]: guest for guest in (place.next() for _ in "012")}
    (small / "cgroup.procs").write_text(str(guests[0].pid))
    for guest in guests.values():
        guest.release()
    # Both at once: neither is to blame. Trial 0 has run alone before.
    again = [place.next(), place.next()]
    assert {guest.news["trial"] for guest in again} == {1, 2}
    for guest in again:
        guest.release()
    result, told = executor.result()
    assert len(result.completed) == 4
    assert scripts.attempts(script) == {0: 2, 1: 2, 2: 2, 3: 1}
    times = scripts.times(script)
    _, began, ended = [attempt for attempt in times if attempt[0] == 0][-1]
    others = [attempt for attempt in times if attempt[0] != 0]
    assert all(end <= began or begin >= ended for _, begin, end in others)
    lost = [event.reason for event in told if isinstance(event, events.AttemptLost)]
    assert len(lost) == 3 and all("for want of memory" in reason for reason in lost)


_BALLAST = """
input()
ballast = bytearray(b"x") * (1 << 30)
print(flush=True)
input()
"""


def _search(
    address: str, entry: EntryPoint, study: str, options: SearchOptions
) -> SearchResult:
    """Runs a search that meets the test at its first warning; rests are short in it."""
    os.environ["TEST_REST_S"] = "1"
    logger = logging.getLogger("tuner_component")
    handler = logging.Handler(logging.WARNING)

    def tell(record: logging.LogRecord) -> None:
        logger.removeHandler(handler)
        meeting.attend(address, pid=os.getpid(), said=record.getMessage())

    handler.emit = tell  # type: ignore[method-assign]
    logger.addHandler(handler)
    return scripts.search(entry, study, options)


def test_a_node_that_lacks_memory_is_tried_again(
    cluster: RayCluster,
    small: Path,  # Before what ends the search: the group can only go after that.
    executors: processes.Executors,
    tmp_path: Path,
    place: meeting.Meeting,
) -> None:
    """A search of days would do without a node that was full for a minute."""
    (tmp_path / "work").mkdir()
    script = scripts.Script(str(tmp_path / "work"), trials=2)
    here = Cluster(cluster.address, resources_per_trial={"small": 1})
    options = SearchOptions(num_workers=1, seed=7, cluster=here)
    with subprocess.Popen(
        [sys.executable, "-c", _BALLAST],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None and other.stdout is not None
        (small / "cgroup.procs").write_text(str(other.pid))
        print(file=other.stdin, flush=True)
        other.stdout.readline()
        executor = executors.start(
            _search, place.address, script.entry(), str(tmp_path / "study"), options
        )
        guest = place.next(200)
        print(file=other.stdin, flush=True)
    assert "for want of memory" in guest.news["said"]
    assert f"The node {_HOST} of the cluster is left out for" in guest.news["said"]
    guest.release()
    assert len(executor.result(200).completed) == 2
