"""Nodes that are not as the search needs them."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import namespaces, node_servers, processes, scripts
from tests.support.ray_cluster import RayCluster
from tuner_component.search import events
from tuner_component.search.errors import SearchError
from tuner_component.search.options import Cluster, SearchOptions

pytestmark = pytest.mark.slow

_OTHER_KERAS, _BLIND = "127.0.0.12", "127.0.0.13"
_REMEDY = "All nodes need the same versions, and must see the same files"


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that is empty for one of the nodes."""
    return tmp_path_factory.mktemp("hidden")


@pytest.fixture(scope="module")
def odd(
    cluster: RayCluster, hidden: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RayCluster]:
    """The cluster with a node that has another Keras, and one that sees other files."""
    if reason := namespaces.missing():
        pytest.skip(reason)
    packages = tmp_path_factory.mktemp("packages")
    information = packages / "keras-2.0.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Name: keras\nVersion: 2.0.0\n")
    path = f"{packages}:{cluster.environment['PYTHONPATH']}"
    cluster.add(_OTHER_KERAS, environment={"PYTHONPATH": path}, resources={"keras": 4})
    cluster.add(_BLIND, hidden={str(hidden): ""}, resources={"blind": 4})
    yield cluster
    cluster.kill(_OTHER_KERAS)
    cluster.kill(_BLIND)


def options(cluster: RayCluster, resource: str, **more: Any) -> SearchOptions:
    where = Cluster(cluster.address, resources_per_trial={resource: 1})
    return SearchOptions(num_workers=2, seed=7, cluster=where, **more)


def test_odd_nodes_are_left_out_and_the_others_go_on(
    executors: processes.Executors, odd: RayCluster, tmp_path: Path, hidden: Path
) -> None:
    """Trials would fail on them, or come out differently; or one would end the search."""
    script = scripts.Script(str(tmp_path), trials=8, act="sleep 1")
    everywhere = SearchOptions(num_workers=8, seed=7, cluster=Cluster(odd.address))
    study = hidden / "study"
    result, told, warnings = executors.start(
        scripts.watched_search, script.entry(), str(study), everywhere
    ).result(200)
    assert len(result.completed) == 8
    assert set(scripts.attempts(script).values()) == {1}
    places = [e for e in told if isinstance(e, events.PlacesChanged)]
    assert max(e.open for e in places) == 4 and max(e.nodes for e in places) == 2
    (keras,) = [text for text in warnings if _OTHER_KERAS in text]
    (blind,) = [text for text in warnings if _BLIND in text]
    assert "keras 2.0.0 instead of 3." in keras and _REMEDY in keras
    assert f"cannot write into the study {study}" in blind and _REMEDY in blind
    assert not list(study.glob("probe-*"))


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        ("keras", f"the node {_OTHER_KERAS}: it has keras 2.0.0 instead of 3"),
        ("blind", f"the node {_BLIND}: it cannot write into the study"),
    ],
)
def test_a_search_without_a_fit_node_ends_at_once(
    executors: processes.Executors,
    odd: RayCluster,
    tmp_path: Path,
    hidden: Path,
    resource: str,
    reason: str,
) -> None:
    """One would wait a quarter of an hour to be told what was known in a second."""
    script = scripts.Script(str(tmp_path))
    executor = executors.start(
        scripts.search,
        script.entry(),
        str(hidden / f"study-{resource}"),
        options(odd, resource),
    )
    with pytest.raises(SearchError, match="Expected a node .* left out") as error:
        executor.result(200)
    assert f"Left out was {reason}" in str(error.value)


def test_a_node_that_does_not_see_the_data_is_left_out(
    executors: processes.Executors, odd: RayCluster, tmp_path: Path, hidden: Path
) -> None:
    """All trials would fail there, one after the other."""
    (hidden / "data").mkdir()
    (hidden / "data" / "part-0.gz").touch()
    data = str(hidden / "data" / "*")
    executor = executors.start(
        scripts.watched_search,
        scripts.Script(str(tmp_path / "work")).entry(),
        str(tmp_path / "study"),
        options(odd, "blind"),
        (data,),
    )
    with pytest.raises(SearchError, match="Expected a node") as error:
        executor.result(200)
    assert f"the node {_BLIND}: it does not see {data}" in str(error.value)


def test_a_module_that_nodes_do_not_have_is_brought_there(
    executors: processes.Executors, odd: RayCluster, tmp_path: Path, hidden: Path
) -> None:
    """The module would have to be installed on all nodes after each change."""
    code, notes = hidden / "code", tmp_path / "notes"
    code.mkdir()
    (code / "brought.py").write_text("import brought_too")
    (code / "brought_too.py").write_text(
        textwrap.dedent(
            f"""
            with open({str(notes)!r}, "a") as file:
                print(__file__, file=file)
            """
        )
    )
    script = scripts.Script(str(tmp_path / "work"), trials=3, module="brought")
    result = executors.start(
        scripts.search,
        script.entry(),
        str(tmp_path / "study"),
        dataclasses.replace(options(odd, "blind"), num_workers=1),
        (),
        str(code),
    ).result(200)
    assert len(result.completed) == 3
    here = str(code / "brought_too.py")
    places = notes.read_text().splitlines()
    assert here in places  # The driver's, which has it.
    assert [path for path in places if path != here]


def test_nodes_on_which_no_agent_lives_end_a_search_at_once(
    executors: processes.Executors, cluster: RayCluster, tmp_path: Path
) -> None:
    """It would wait for a place, with all of them left out; or say no cause."""
    mute = "127.0.0.15"
    nowhere = {node_servers.ADDRESS: str(tmp_path / "nowhere")}
    cluster.add(mute, environment=nowhere, resources={"mute": 1})
    executor = executors.start(
        scripts.search,
        scripts.Script(str(tmp_path)).entry(),
        str(tmp_path / "study"),
        options(cluster, "mute"),
    )
    why = rf"all that have.*left out.*{mute}: .*fork server could not be started"
    with pytest.raises(SearchError, match=why):
        executor.result()
    cluster.kill(mute)
