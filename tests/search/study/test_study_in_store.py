"""A study where the store writes on condition: a search that was replaced writes nothing."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import buckets
from tuner_component.search.errors import StudyLockedError
from tuner_component.search.lock import lease, owner
from tuner_component.search.lock.lease import Lease
from tuner_component.search.study.study import Study, StudyState

PARTS = {"what": "store"}


@pytest.fixture(name="uri", params=["gs", "s3"])
def _uri(request: pytest.FixtureRequest) -> str:
    if request.param == "s3":
        pytest.importorskip("boto3")
    return f"{request.param}://b/study"


@pytest.fixture(name="directory")
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(lease, "SETTLE_S", 0.01)
    with buckets.serving(tmp_path) as bucket:
        (bucket.directory / "b").mkdir()
        yield bucket.directory / "b" / "study"


@pytest.fixture(name="replaced")
def _replaced(
    uri: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Study]:
    """A search whose machine stood still, clocks and all: it still trusts its lease."""
    with monkeypatch.context() as patch:
        patch.setattr(owner, "_namespace", lambda: "elsewhere")
        study = Study.open(uri, PARTS, seed=7)
    held = study._lock and study._lock._lock
    assert isinstance(held, Lease) and held._renewer is not None
    held._stop.set()
    held._renewer.join()
    monkeypatch.setattr(held, "writing", contextlib.nullcontext)
    yield study
    study.close()


def test_study_is_begun_resumed_and_finished(uri: str, directory: Path) -> None:
    """Nobody could search in a bucket."""
    for run, found in enumerate((StudyState.NEW, StudyState.RESUMED), start=1):
        with Study.open(uri, PARTS, seed=7) as study:
            assert (study.found, study.seed) == (found, 7)
            study.journal.append({"kind": "ended", "number": run})
            study.commit()
    with Study.open(uri, PARTS) as study:
        study.mark_finished()
    with Study.open(uri, PARTS) as study:
        assert (study.found, study.seed) == (StudyState.FINISHED, 7)
        ended = [r for r in study.journal.records() if r["kind"] == "ended"]
    assert [record["number"] for record in ended] == [1, 2]
    assert not (directory / "lease.json").exists()


def test_replaced_search_commits_nothing(uri: str, replaced: Study) -> None:
    """People would be told of a result that is not there."""
    with Study.open(uri, PARTS, stale_after=0.1) as study:
        replaced.journal.append({"kind": "ended", "number": 1})
        with pytest.raises(StudyLockedError):
            replaced.commit()
        study.journal.append({"kind": "ended", "number": 2})
        study.commit()
    with Study.open(uri, PARTS) as study:
        ended = [r for r in study.journal.records() if r["kind"] == "ended"]
    assert [record["number"] for record in ended] == [2]


def test_replaced_search_does_not_finish_the_study(
    uri: str, replaced: Study, directory: Path
) -> None:
    """A search with a larger `max_trials` would not be gone on with."""
    with Study.open(uri, PARTS, stale_after=0.1) as study:
        with pytest.raises(StudyLockedError, match=r"study\.json"):
            replaced.mark_finished()
        assert not replaced.is_finished
        assert json.loads((directory / "study.json").read_bytes())["run"] == 2
        study.mark_finished()
    with Study.open(uri, PARTS) as study:
        assert study.found is StudyState.FINISHED
