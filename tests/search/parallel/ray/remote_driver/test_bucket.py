"""All of a search elsewhere: its driver on a node, its study in a bucket."""

from __future__ import annotations

import contextlib
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import buckets, meeting, namespaces, processes, ray_cluster, scripts
from tuner_component.search.options import Cluster, SearchOptions
from tuner_component.search.study.study import Study, StudyState

pytestmark = [pytest.mark.slow, pytest.mark.on_demand]

_STUDY = "gs://bucket/study"


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[buckets.Bucket]:
    """A bucket that this process sees."""
    with buckets.serving(tmp_path / "objects") as served:
        yield served


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A directory with a module that notes where it was imported from."""
    directory = tmp_path / "hidden" / "code"
    directory.mkdir(parents=True)
    (directory / "brought.py").write_text(
        textwrap.dedent(
            f"""
            with open({str(tmp_path / "notes")!r}, "a") as file:
                print(__file__, file=file)
            """
        )
    )
    return directory


@pytest.fixture
def blind(
    bucket: buckets.Bucket, code: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ray_cluster.RayCluster]:
    """A cluster that sees the bucket, of nodes that do not see the code."""
    if reason := namespaces.missing():
        pytest.skip(reason)
    monkeypatch.setenv("TEST_BUCKET", str(bucket.directory))
    with (
        tempfile.TemporaryDirectory(prefix="ray_") as directory,
        ray_cluster.running(Path(directory), host="127.0.0.22") as cluster,
    ):
        for host in ("127.0.0.23", "127.0.0.24"):
            cluster.add(host, hidden={str(code.parent): ""})
        yield cluster


def test_a_killed_search_goes_on(
    blind: ray_cluster.RayCluster,
    bucket: buckets.Bucket,
    code: Path,
    tmp_path: Path,
    place: meeting.Meeting,
) -> None:
    """Trials would be lost with the driver's node, or a node that lacks the code fail."""
    work = tmp_path / "work"
    work.mkdir()
    script = scripts.Script(
        str(work),
        trials=3,
        acts={"1": ["meet"], "2": ["print"]},
        module="brought",
        meeting=place.address,
    )
    cluster = Cluster(blind.address, driver_on_cluster=True)
    options = SearchOptions(num_workers=1, seed=7, cluster=cluster)
    what = (scripts.search, script.entry(), _STUDY, options, (), str(code))
    with contextlib.ExitStack() as stack:
        executors = stack.enter_context(blind.executors())
        stack.enter_context(blind.nothing_left(executors))
        killed = executors.start(*what)
        guest = place.next(200)
        left = [guest.pid, *executors.descendants(), *blind.search_processes()]
        processes.kill(killed.pid)
        processes.wait_until_gone(left, 20)
        again = executors.start(*what)
        place.next(200).release()
        assert scripts.scores(again.result(200)) == {"0": 0.0, "1": 0.1, "2": 0.2}
    assert scripts.attempts(script) == {0: 1, 1: 2, 2: 1}
    log = bucket.directory / "bucket/study/trials/2/log.txt"
    assert "from Python" in log.read_text()
    with Study.open(_STUDY, scripts.FINGERPRINT) as finished:
        assert finished.found is StudyState.FINISHED
    # The driver and the worker of each run, all of them on nodes.
    places = (tmp_path / "notes").read_text().splitlines()
    assert len(places) == 4
    assert not [path for path in places if path.startswith(str(code))]
