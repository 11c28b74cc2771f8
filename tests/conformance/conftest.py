"""What every conformance suite runs on."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import buckets
from tuner_component.search.lock import lease
from tuner_component.search.storage import files


@pytest.fixture(params=["local", "file-uri", "memory", "store"])
def root(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """An empty directory on each kind of filesystem a study may live on."""
    if request.param == "memory":
        # TensorFlow's filesystem in memory: whole writes, neither sync nor rename.
        monkeypatch.setattr(lease, "SETTLE_S", 0.01)
        directory = f"ram://{uuid.uuid4().hex}"
        files.makedirs(directory)
        yield directory
        files.remove_tree(directory)
    elif request.param == "store":
        # Whole writes as well, and each on condition, where it matters.
        monkeypatch.setattr(lease, "SETTLE_S", 0.01)
        with buckets.serving(tmp_path):
            (tmp_path / "bucket").mkdir()
            yield "gs://bucket"
    elif request.param == "file-uri":
        yield f"file://{tmp_path}"
    else:
        yield str(tmp_path)
