"""Vizier stops trials that run in workers: the rule SERVICE."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.cloud.aiplatform_v1 import types as v1

from tests.support import open_vizier, processes, vizier_in_workers
from tests.support.vertex import PROJECT, REGION, Refused, Vertex
from tests.support.vizier_in_workers import HOPELESS, TRIALS
from tuner_component.report.loading import load_study
from tuner_component.search.storage import faults

pytestmark = pytest.mark.slow

_CHECK = "CheckTrialEarlyStoppingState"
_CLOUD = {"project_id": PROJECT, "region": REGION}
_SUCCEEDED = v1.Trial.State.SUCCEEDED


@pytest.fixture(name="server")
def _server(server: Vertex) -> Vertex:
    server.vizier.stops = lambda trial: (
        trial.measurements[-1].metrics[0].value == HOPELESS
    )
    return server


def start(
    executors: processes.Executors,
    directory: Path,
    server: Vertex,
    fault: str = "",
    **where: Any,
) -> processes.Executor:
    """Starts a search in a process of its own."""
    environment = {**server.environment, **({faults.VARIABLE: fault} if fault else {})}
    given = str(directory), environment, {**_CLOUD, **where}, "SERVICE"
    return executors.start(vizier_in_workers.search, *given)


def check(directory: Path, server: Vertex) -> None:
    """The odd trials were stopped by the service, and by nothing else; none is open."""
    (journal,) = directory.rglob("journal")
    trials = load_study(str(journal.parent)).trials
    assert len(trials) == TRIALS
    stopped = {trial.trial_id: trial.stopped for trial in trials}
    rules = {int(key): one.rule for key, one in stopped.items() if one is not None}
    assert rules == {number: "service" for number in range(1, TRIALS, 2)}
    told = server.vizier.all_trials()
    assert len(server.vizier.studies) == 1
    assert [trial.state for trial in told] == [_SUCCEEDED] * TRIALS
    values = sorted(trial.final_measurement.metrics[0].value for trial in told)
    assert values == sorted(trial.score or 0.0 for trial in trials)


def test_trials_in_workers_are_stopped(
    tmp_path: Path, server: Vertex, executors: processes.Executors
) -> None:
    """They would all be trained to the end, or others than the service meant be stopped."""
    start(executors, tmp_path, server).result()
    check(tmp_path, server)
    assert _CHECK in server.calls


def test_a_service_that_is_away_stops_trials_later(
    tmp_path: Path, server: Vertex, executors: processes.Executors
) -> None:
    """A lost connection would end the search, or have hopeless trials go on for ever."""
    lost: list[str] = []
    asked = threading.Event()

    def lose(method: str, request: Any) -> None:
        if method == _CHECK and len(lost) < 4:
            lost.append(method)
            asked.set()
            raise Refused(grpc.StatusCode.UNAVAILABLE)

    server.before = lose
    search = start(executors, tmp_path, server)
    assert asked.wait(120)
    server.stop()
    server.start()
    search.result()
    assert len(lost) == 4
    check(tmp_path, server)


@pytest.mark.on_demand
@pytest.mark.parametrize("commit", [3, 6])
def test_a_search_that_is_killed_goes_on_being_stopped(
    tmp_path: Path, server: Vertex, executors: processes.Executors, commit: int
) -> None:
    """What the service had said would be forgotten, or be true of another trial."""
    fault = f"journal.commit.after:{commit}"
    killed = start(executors, tmp_path, server, fault)
    with pytest.raises(Exception, match="its driver was killed"):
        killed.result()
    start(executors, tmp_path, server).result()
    check(tmp_path, server)


def test_a_service_that_stops_at_random_is_refused(
    tmp_path: Path, executors: processes.Executors
) -> None:
    """Good trials of open-source Vizier would be stopped, or the rule do nothing."""
    with open_vizier.serving(tmp_path) as real:
        where = {"endpoint": real.endpoint, "algorithm": "RANDOM_SEARCH"}
        given = str(tmp_path / "s"), {}, where, "SERVICE"
        search = executors.start(vizier_in_workers.search, *given)
        with pytest.raises(Exception, match="at random. Take the rule MEDIAN"):
            search.result()
