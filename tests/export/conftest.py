"""MLflow: a store of files of the test's own. Weights & Biases: the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import wandb_files, wandb_server
from tuner_component.export import tracking

# Seconds: on a busy machine a library takes long to import, and each run a while.
PATIENCE_S = 300.0


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits for trackers as long as they take, however a search ends."""
    monkeypatch.setattr(tracking, "_PATIENCE_S", PATIENCE_S)
    monkeypatch.setattr(tracking, "_HASTE_S", PATIENCE_S)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of an empty store, which MLflow's variables name, too."""
    pytest.importorskip("mlflow")
    uri = (tmp_path / "mlruns").as_uri()
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    return uri


@pytest.fixture(scope="session")
def reader() -> Iterator[wandb_files.Reader]:
    """Reads what wandb has written."""
    found = wandb_files.Reader()
    yield found
    found.close()


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where wandb keeps runs of one who has never logged in; it can be imported."""
    monkeypatch.setattr(sys, "path", [*sys.path, wandb_files.packages()])
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NETRC", raising=False)
    return tmp_path / "wandb"


@pytest.fixture
def wandb_online(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[wandb_server.Server]:
    """A server of Weights & Biases, at which one is logged in."""
    with wandb_server.serving() as found:
        monkeypatch.setenv("WANDB_BASE_URL", found.address)
        monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
        yield found
