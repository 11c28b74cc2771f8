"""Fixtures of the search engine's tests: processes, and filesystems in distress."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import families, meeting, processes, ray_cluster

Mount = Callable[[str], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts filesystems in memory with the given options; skips where that is barred."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        target = tmp_path / f"mount{len(mounted)}"
        target.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(target)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"mounting takes root's rights: {done.stderr.strip()}")
        mounted.append(target)
        return target

    yield mount
    for target in mounted:
        subprocess.run(["umount", "-l", str(target)], check=True)


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A control group with little memory; skips where none can be made."""
    root = Path("/sys/fs/cgroup")
    first = (root / "memory").is_dir()  # Version 1 has a hierarchy for memory alone.
    group = root / ("memory" if first else "") / f"tuner_component_test_{os.getpid()}"
    limit = "memory.limit_in_bytes" if first else "memory.max"
    try:
        group.mkdir()
        # Processes that have imported Keras bring 600 MB, which count elsewhere.
        (group / limit).write_text(str(256 << 20))
    except OSError as error:
        pytest.skip(f"making control groups takes root's rights: {error}")
    yield group
    group.rmdir()


@pytest.fixture(scope="session")
def _engine() -> Iterator[None]:
    """What runs the workers: this machine, or with TEST_ENGINE=ray a cluster."""
    if os.environ.get("TEST_ENGINE") != "ray":
        yield
        return
    # The paths of Ray's sockets must be short.
    with (
        tempfile.TemporaryDirectory(prefix="ray_") as directory,
        ray_cluster.for_all_searches(Path(directory)),
    ):
        yield


@pytest.fixture(scope="session")
def _executors(_engine: None) -> Iterator[processes.Executors]:
    executors = processes.Executors()
    yield executors
    executors.close()


@pytest.fixture
def executors(_executors: processes.Executors) -> Iterator[processes.Executors]:
    """Starts executors; afterwards nothing that a search started may be left."""
    yield _executors
    try:
        processes.wait_until_gone(families.left(_executors), 10)
    finally:
        processes.kill(*families.left(_executors))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[meeting.Meeting]:
    """Where trials meet the test."""
    with contextlib.closing(meeting.Meeting(tmp_path)) as at:
        yield at
