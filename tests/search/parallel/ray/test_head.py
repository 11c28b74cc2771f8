"""A head that is killed in the midst of a search."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import pytest

from tests.support import meeting, processes, scripts
from tests.support.ray_cluster import RayCluster, running
from tuner_component.search.errors import SearchInterruptedError
from tuner_component.search.options import Cluster, SearchOptions

pytestmark = [pytest.mark.slow, pytest.mark.on_demand]

# From the head's death to the search's error.
_LIMIT_S = 40.0


@pytest.mark.parametrize(
    ("part", "driver_on_cluster"),
    [("all", False), ("gcs_server", False), ("all", True)],
)
def test_a_search_goes_on_on_another_cluster(
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    place: meeting.Meeting,
    part: str,
    driver_on_cluster: bool,
) -> None:
    """The loss of one machine would lose the search, or it would wait for ever."""
    script = scripts.Script(
        str(tmp_path / "work"),
        trials=5,
        acts={"2": ["meet"], "3": ["meet"]},
        meeting=place.address,
    )
    study = str(tmp_path / "study")
    first = SearchOptions(num_workers=2, seed=7, heartbeat_timeout_s=15)
    with (
        tempfile.TemporaryDirectory(prefix="ray_") as directory,
        running(Path(directory), "127.0.0.3", cpus=3) as doomed,
        doomed.executors() as others,
        doomed.nothing_left(others),
    ):
        where = Cluster(doomed.address, driver_on_cluster=driver_on_cluster)
        there = dataclasses.replace(first, cluster=where)
        executor = others.start(scripts.search, script.entry(), study, there)
        # They wait for as long as these are held.
        guests = [place.next(150), place.next(150)]
        doomed.kill_head(part)
        with pytest.raises(
            SearchInterruptedError,
            match=r"Expected the cluster .* is lost, .* run the same search again",
        ):
            executor.result(_LIMIT_S)
        left = [*others.descendants(), *doomed.search_processes()]
        processes.wait_until_gone(left, 20)
        del guests

    assert scripts.attempts(script) == {0: 1, 1: 1, 2: 1, 3: 1}
    here = dataclasses.replace(first, cluster=Cluster(cluster.address))
    executor = executors.start(scripts.search, script.entry(), study, here)
    for _ in range(2):
        place.next(150).release()
    result = executor.result(200)
    scores = scripts.scores(result)
    assert scores == {str(number): number / 10 for number in range(5)}
    assert result.completed[0]["trial_id"] == "0"
    assert scripts.attempts(script) == {0: 1, 1: 1, 2: 2, 3: 2, 4: 1}
