"""Who is let in, and what listens in the network during a search."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import doors, meeting, processes, scripts
from tests.support.ray_cluster import RayCluster
from tuner_component.search.errors import SearchError
from tuner_component.search.options import Cluster, SearchOptions

pytestmark = pytest.mark.slow

_ANYWHERE = ("0.0.0.0", "::")


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("0" * 64, "Most likely the cluster asks for another token"),
        (None, "Received: a process without the token"),
    ],
    ids=["wrong", "missing"],
)
def test_who_does_not_know_the_token_is_told_so(
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    token: str | None,
    said: str,
) -> None:
    """It would take minutes, or a page of Ray's tracebacks, to learn that."""
    executor = executors.start(
        scripts.search_with_variables,
        {"RAY_AUTH_TOKEN": token},
        scripts.Script(str(tmp_path / "work")).entry(),
        str(tmp_path / "study"),
        SearchOptions(num_workers=1, seed=7, cluster=Cluster(cluster.address)),
    )
    with pytest.raises(SearchError) as error:
        executor.result(200)
    text = str(error.value)
    assert "\n" not in text and "RAY_AUTH_TOKEN" in text
    assert text.startswith(f"Expected a Ray cluster at {cluster.address}")
    assert said in text


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
    head, _, _ = cluster.address.partition(":")
    guests = [place.next(150), place.next(150)]
    found: dict[str, list[list[str]]] = {"ours": [], "broker": [], "agent": []}
    for pid in (*executors.descendants(), *cluster.search_processes()):
        hosts = sorted(host for host, _ in doors.listening(pid))
        found[_kind(processes.command(pid))].append(hosts)
    for guest in guests:
        guest.release()
    executor.result(200)
    assert (
        len(found["ours"]) >= 5
    )  # Executor, driver, two fork servers or one, workers.
    assert not any(found["ours"])
    # Each process of Ray's has a port, where it asks for the token.
    (at_broker,) = found["broker"]
    assert at_broker in ([head, rays] for rays in _ANYWHERE)
    assert all(hosts in ([rays] for rays in _ANYWHERE) for hosts in found["agent"])


def _kind(command: str) -> str:
    if command.startswith("ray::Agent"):
        return "agent"
    return "broker" if "broker" in command else "ours"
