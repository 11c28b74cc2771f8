"""A Ray cluster for the tests of this folder: starting one takes half a minute."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import processes, ray_cluster

# Two nodes that stay; a test adds others, and takes them away again.
HOSTS = ("127.0.0.3", "127.0.0.4")


@pytest.fixture(scope="session")
def cluster() -> Iterator[ray_cluster.RayCluster]:
    """A cluster of two nodes with room for two trials each."""
    # The paths of Ray's sockets must be short.
    with (
        tempfile.TemporaryDirectory(prefix="ray_") as directory,
        ray_cluster.running(Path(directory), *HOSTS, cpus=2) as there,
    ):
        yield there


@pytest.fixture(scope="session")
def _ray_executors(cluster: ray_cluster.RayCluster) -> Iterator[processes.Executors]:
    with cluster.executors() as executors:
        yield executors


@pytest.fixture
def executors(
    _ray_executors: processes.Executors, cluster: ray_cluster.RayCluster
) -> Iterator[processes.Executors]:
    """Starts executors; afterwards nothing that a search started may be left."""
    with cluster.nothing_left(_ray_executors):
        yield _ray_executors
