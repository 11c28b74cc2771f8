"""Which replica a process is, by what services set in its environment."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from tuner_component.extensions.flock import roles
from tuner_component.search.errors import SearchError

# As Vertex AI documents them, with more than one pool and with one.
POOLS = {
    "workerpool0": ["cmle-training-workerpool0-ab-0:2222"],
    "workerpool1": ["cmle-training-workerpool1-ab-0:2222", "127.0.0.4:2223"],
}
ALONE = {"chief": ["127.0.0.1:2222"]}


def spec(cluster: dict[str, list[str]], kind: str, index: int = 0, **more: Any) -> str:
    task = {"type": kind, "index": index, "cloud": "a word of the service's own"}
    return json.dumps(
        {"cluster": cluster, "environment": "cloud", "task": task, **more}
    )


@pytest.mark.parametrize("variable", ["CLUSTER_SPEC", "TF_CONFIG"])
def test_replicas_know_who_they_are(variable: str) -> None:
    """Two would be the chief, or none."""
    found = [
        roles.from_environment({variable: spec(POOLS, kind, index)})
        for kind, index in (("workerpool0", 0), ("workerpool1", 0), ("workerpool1", 1))
    ]
    names = ("workerpool0-0", "workerpool1-0", "workerpool1-1")
    assert [role and role.name for role in found] == list(names)
    assert [role and role.is_chief for role in found] == [True, False, False]
    for role in found:
        assert role is not None
        assert role.names == names
        assert role.chief == "cmle-training-workerpool0-ab-0"
    assert (found[2] and found[2].host, found[2] and found[2].port) == (
        "127.0.0.4",
        2223,
    )


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"CLUSTER_SPEC": ""},
        {"CLUSTER_SPEC": "{}"},
        {"CLUSTER_SPEC": spec(ALONE, "chief")},
        {"TF_CONFIG": spec({"workerpool0": ["host:2222"]}, "workerpool0")},
    ],
)
def test_a_replica_alone_has_no_role(environ: dict[str, str]) -> None:
    """A job of one machine would start a cluster, and wait for others."""
    assert roles.from_environment(environ) is None


@pytest.mark.parametrize(
    ("first", "others"), [("chief", "worker"), ("master", "worker")]
)
def test_services_have_other_words_for_the_first(first: str, others: str) -> None:
    """A job of Kubeflow's training operator would have no chief."""
    cluster = {others: ["b:1", "c:1"], first: ["a:1"], "ps": ["d:1"]}
    chief = roles.from_environment({"TF_CONFIG": spec(cluster, first)})
    worker = roles.from_environment({"TF_CONFIG": spec(cluster, others, 1)})
    assert chief is not None and chief.is_chief
    assert worker is not None and not worker.is_chief
    assert worker.chief == "a"
    assert len(worker.names) == 3


def test_without_a_word_for_the_first_it_is_the_first() -> None:
    """Workers alone, as TensorFlow allows them, would all wait for a chief."""
    cluster = {"worker": ["a:1", "b:1"]}
    chief, other = (
        roles.from_environment({"TF_CONFIG": spec(cluster, "worker", index)})
        for index in (0, 1)
    )
    assert chief is not None and chief.is_chief
    assert other is not None and not other.is_chief


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "7",
        '{"cluster": {}}',
        '{"cluster": [], "task": {"type": "chief", "index": 0}}',
        spec(POOLS, "workerpool2"),
        spec(POOLS, "workerpool1", 2),
        spec({**POOLS, "workerpool1": ["no port"]}, "workerpool1"),
        spec({"ps": ["a:1"]}, "ps"),
    ],
)
def test_what_cannot_be_understood_is_said(text: str) -> None:
    """Each replica would take itself for the only one, and search by itself."""
    with pytest.raises(SearchError, match=r"Expected CLUSTER_SPEC .* Received: "):
        roles.from_environment({"CLUSTER_SPEC": text})


def test_addresses_are_those_that_others_see() -> None:
    """Nodes would announce an address of the loopback network, where nobody finds them."""
    cluster = {"workerpool0": ["127.0.0.5:2222"], "workerpool1": ["127.0.0.6:2222"]}
    for kind, index, address in (("workerpool0", 0, 5), ("workerpool1", 0, 6)):
        role = roles.from_environment({"CLUSTER_SPEC": spec(cluster, kind, index)})
        assert role is not None
        assert role.address == f"127.0.0.{address}"


def test_a_name_without_an_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error would be that of a socket, without the name."""

    def fail(host: str) -> str:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "gethostbyname", fail)
    cluster = {"a": ["no-such-host:1"], "b": ["127.0.0.1:1"]}
    role = roles.from_environment({"CLUSTER_SPEC": spec(cluster, "a")})
    assert role is not None
    with pytest.raises(SearchError, match=r"Expected no-such-host, .* not known"):
        _ = role.address
