"""All tests of searches in workers, on a cluster: what holds on one machine holds there.

    python -m pytest -m on_demand tests/search/parallel/ray/test_whole_suite.py

It takes the better part of an hour. What is not here has no workers
(`search/chaos/test_killed_searches.py` is about searches in process), or is about what
starts them on one machine (`search/parallel/local`, but for the launcher).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ray_cluster
from tests.support.project import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.on_demand]

SUITE = (
    "scenarios/test_scenarios.py",
    "search/chaos/test_killed_workers.py",
    "search/chaos/test_kinds.py",
    "search/chaos/test_moved_studies.py",
    "search/chaos/test_pauses.py",
    "search/chaos/test_poison.py",
    "search/chaos/test_searches.py",
    "search/chaos/test_stopped_processes.py",
    "search/chaos/test_training.py",
    "search/chaos/test_whole_trees.py",
    "search/oracle/test_look_ahead.py",
    "search/parallel/driver/test_pauses.py",
    "search/parallel/driver/test_supervisor.py",
    "search/parallel/local/test_launch.py",
    "search/parallel/worker/test_main.py",
    "search/stopping/test_stopped_trials.py",
)


@pytest.fixture(scope="module")
def everywhere() -> Iterator[None]:
    """Searches of processes that are started now run on a cluster of three nodes."""
    with (
        tempfile.TemporaryDirectory(prefix="ray_") as directory,
        ray_cluster.for_everything(Path(directory)) as there,
        there.known(),
    ):
        yield


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("file", SUITE)
def test_as_on_one_machine(file: str) -> None:
    """A promise would be kept on one machine alone."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"tests/{file}"],
        cwd=ROOT,
        env={**os.environ, "TEST_ENGINE": "ray"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
