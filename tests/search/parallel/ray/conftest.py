"""A Ray cluster for the tests of this folder: starting one takes half a minute."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import processes, ray_cluster, scripts
from tuner_component.search.options import SearchOptions

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


@dataclasses.dataclass
class Search:
    """The search of a test, which it starts on the cluster.

    Attributes:
        executors: What it is started with.
        directory: For its study, and for what its script writes.
        options: How it runs, unless a start says otherwise.
    """

    executors: processes.Executors
    directory: Path
    options: SearchOptions

    def script(self, **what: Any) -> scripts.Script:
        """What it does."""
        work = self.directory / "work"
        work.mkdir(exist_ok=True)
        return scripts.Script(str(work), **what)

    def start(
        self,
        script: scripts.Script,
        *more: Any,
        how: Callable[..., Any] = scripts.search,
        **changes: Any,
    ) -> processes.Executor:
        """Starts it, with changed options."""
        return self.executors.start(
            how,
            script.entry(),
            str(self.directory / "study"),
            dataclasses.replace(self.options, **changes),
            *more,
        )


@pytest.fixture
def search(
    executors: processes.Executors, tmp_path: Path, options: SearchOptions
) -> Search:
    """The search of a module of tests that has `options`."""
    return Search(executors, tmp_path, options)
