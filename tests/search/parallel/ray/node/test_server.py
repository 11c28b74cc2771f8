"""The fork server of a node."""

import multiprocessing.spawn
import sys
from pathlib import Path

import pytest

from tuner_component.search.parallel.ray.node import server


def test_one_that_cannot_be_started_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node would be left out, and people be told no cause."""
    monkeypatch.setattr(multiprocessing.spawn, "get_executable", lambda: "/nowhere")
    with (
        pytest.raises(server.ServerLostError, match=r"not be started.*'/nowhere'"),
        server.started(str(tmp_path / "log"), {}, sys.path),
    ):
        pass


def test_what_one_said_at_its_end_is_said(tmp_path: Path) -> None:
    """People would be told that it has ended, and not why."""
    log = str(tmp_path / "log")
    with (
        pytest.raises(
            server.ServerLostError, match="said: ModuleNotFoundError: No module"
        ),
        server.started(log, {}, ["/nowhere"]),
    ):
        pass


def test_one_ends_with_its_context(tmp_path: Path) -> None:
    """A node would keep TensorFlow in memory for a search that is over."""
    with server.started(str(tmp_path / "log"), {}, sys.path) as (pid, _):
        assert Path(f"/proc/{pid}").exists()
    assert not Path(f"/proc/{pid}").exists()
