"""Several processes that train one trial, as one worker: on real nodes, and in parts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import gang_trials, limits, meeting, processes, scripts
from tests.support.ray_cluster import RayCluster
from tuner_component.search import events
from tuner_component.search.options import Cluster, SearchOptions, StoppingOptions
from tuner_component.search.parallel.protocol import EntryPoint

slow = pytest.mark.slow


@pytest.fixture
def options(cluster: RayCluster) -> SearchOptions:
    """Two processes for each trial, one trial at a time."""
    together = Cluster(cluster.address, workers_per_trial=2)
    return SearchOptions(num_workers=1, seed=7, cluster=together, cpus_per_trial=2)


@dataclasses.dataclass
class Search:
    """A search of trials that processes train together."""

    executors: processes.Executors
    directory: Path
    options: SearchOptions

    def start(self, **what: Any) -> processes.Executor:
        script = scripts.Script(str(self.directory), **what)
        entry = EntryPoint(gang_trials.TARGET, script.entry().argument)
        study = str(self.directory / "study")
        return self.executors.start(scripts.observed_search, entry, study, self.options)

    def run(
        self, timeout: float = limits.WAIT_S, **what: Any
    ) -> tuple[dict[str, float], list[events.Event]]:
        result, told = self.start(**what).result(timeout)
        return scripts.scores(result), told

    def attempts(self) -> dict[str, int]:
        found = self.directory.glob("attempts-*")
        return {p.name.partition("-")[2]: p.stat().st_size for p in found}


@pytest.fixture
def search(
    executors: processes.Executors, tmp_path: Path, options: SearchOptions
) -> Search:
    return Search(executors, tmp_path, options)


@slow
def test_all_processes_of_a_trial_train_the_same(search: Search) -> None:
    """They would wait for each other in different trials, or write over their files."""
    scores, _ = search.run(trials=2, act="note")
    assert scores == {"0": 0.0, "1": 0.1}
    assert search.attempts() == dict.fromkeys(
        ("0-rank-0", "0-rank-1", "1-rank-0", "1-rank-1"), 1
    )
    for trial in "01":
        first, second = (
            json.loads(
                (search.directory / f"facts-{trial}-rank-{rank}.json").read_text()
            )
            for rank in (0, 1)
        )
        assert first["values"] == second["values"] != {}
        assert first["space"] == second["space"] == 1
        assert first["size"] == 2
        workers = first["tf_config"]["cluster"]["worker"]
        assert workers == second["tf_config"]["cluster"]["worker"]
        assert len(set(workers)) == 2
        assert {w.partition(":")[0] for w in workers} == {"127.0.0.3", "127.0.0.4"}
        assert first["coordinator"] == second["coordinator"] == workers[0]
        indices = [x["tf_config"]["task"]["index"] for x in (first, second)]
        assert indices == [0, 1]
        assert first["directory"] != second["directory"]


@slow
@pytest.mark.parametrize("act", ["die of 0", "die of 1", "exit of 1", "freeze of 1"])
def test_the_end_of_one_process_costs_an_attempt(search: Search, act: str) -> None:
    """The others would wait for ever for the one that is gone."""
    search.options = dataclasses.replace(search.options, heartbeat_timeout_s=15.0)
    scores, told = search.run(trials=2, acts={"0": [act, "note"]}, act="note")
    assert scores == {"0": 0.0, "1": 0.1}
    attempts = search.attempts()
    assert attempts["0-rank-0"] == attempts["0-rank-1"] == 2
    (reason,) = [e.reason for e in told if isinstance(e, events.AttemptLost)]
    if act == "die of 1":
        assert "process of rank 1 was killed by SIGKILL" in reason


@slow
@pytest.mark.parametrize("who", [" of 0", ""])
def test_a_trial_that_fails_is_a_failed_trial(search: Search, who: str) -> None:
    """The next trial would be given to processes that are still in the last one."""
    scores, told = search.run(trials=3, acts={"1": [f"raise{who}"]}, act="note")
    assert scores == {"0": 0.0, "2": 0.2}
    (why,) = [
        e.message for e in told if isinstance(e, events.TrialEnded) and not e.completed
    ]
    assert why is not None and "cannot be trained" in why


@slow
def test_a_trial_that_fails_in_another_process_ends(search: Search) -> None:
    """The first one would wait for a partner that has nothing to do with it any more."""
    scores, told = search.run(trials=1, acts={"0": ["raise of 1", "note"]})
    assert scores == {"0": 0.0}
    (reason,) = [e.reason for e in told if isinstance(e, events.AttemptLost)]
    assert "process of rank 1 exited with status 1; its log is worker-0" in reason
    (log,) = (search.directory / "study" / "logs").glob("worker-0-rank-1@*.log")
    assert "this trial cannot be trained" in log.read_text()


@slow
def test_processes_stop_a_trial_together(search: Search) -> None:
    """One would go on with the next epoch, and wait for the others there."""
    rule = StoppingOptions("median", warmup_trials=1)
    search.options = dataclasses.replace(search.options, stopping=rule)
    scores, _ = search.run(trials=3, act="epochs")
    assert scores == {"0": 0.0, "1": 1.0, "2": 2.0}
    stopped = {
        p.name.partition("-")[2]: int(p.read_text())
        for p in search.directory.glob("stopped-*")
    }
    for trial in "012":
        assert stopped[f"{trial}-rank-0"] == stopped[f"{trial}-rank-1"]
    assert stopped["0-rank-0"] == 9 > stopped["1-rank-0"]


@slow
def test_an_error_of_tuner_fn_in_one_process_ends_the_search(search: Search) -> None:
    """All processes would be started again and again."""
    executor = search.start(worker_fault="raise of 1", act="note")
    with pytest.raises(Exception, match="works in the others only"):
        executor.result()


@slow
def test_custom_loops_of_tensorflow_add_up(search: Search) -> None:
    """Each process would train by itself."""
    scores, _ = search.run(trials=2, act="sum")
    assert scores == {"0": 9.0, "1": 9.0}  # Three times 1 + 2.


@slow
@pytest.mark.on_demand
def test_models_of_tf_keras_are_trained_together(search: Search) -> None:
    """The processes would have models that differ."""
    # TensorFlow has to be imported and to build its graphs in two processes at once.
    search.run(timeout=300, trials=1, act="fit tf_keras")
    first, second = (
        np.load(search.directory / f"weights-0-rank-{rank}.npy") for rank in (0, 1)
    )
    np.testing.assert_array_equal(first, second)


@slow
def test_a_killed_search_leaves_no_process_of_a_trial(
    search: Search, place: meeting.Meeting
) -> None:
    """Half of a trial would keep a node busy for ever."""
    executor = search.start(trials=1, act="meet", meeting=place.address)
    guests = [place.next(limits.WAIT_S) for _ in range(2)]
    assert {guest.news["rank"] for guest in guests} == {0, 1}
    processes.kill(executor.pid, *processes.descendants(executor.pid))
    assert processes.wait_until_gone([guest.pid for guest in guests], 15) < 15
