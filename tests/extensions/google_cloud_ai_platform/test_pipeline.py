"""The penguin pipeline with its Tuner in a job, machines of which die in the midst.

The service is a stand-in. The job's replicas are real, each on a machine of its own.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from google.cloud.aiplatform_v1.types import Trial
from google.cloud.aiplatform_v1.types.job_state import JobState

from examples.penguin import artifacts
from tests.support import penguin_in_cloud, processes
from tests.support.penguin_in_cloud import NAME
from tests.support.vertex import PROJECT, REGION, Vertex
from tests.support.vizier_module.penguin_vizier import TRIALS
from tuner_component import load_study

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

_LONG_S = 900.0
State = Trial.State
# What the pipeline's process and the machines have imported, before they are forked.
_MODULES = (
    "tests.support.vizier_module.penguin_vizier",
    "tfx.scripts.run_executor",
    "tfx.v1",
)


@pytest.fixture
def vertex() -> Iterator[Vertex]:
    """A service with three machines."""
    with tempfile.TemporaryDirectory(prefix="vx") as directory:
        service = Vertex(Path(directory), machines=3, quick=_MODULES)
        try:
            yield service
        finally:
            service.close()
            print(service.jobs.said())


@contextmanager
def pipeline(vertex: Vertex, root: Path) -> Iterator[processes.Executor]:
    """The pipeline's process."""
    executors = processes.Executors(*_MODULES, fresh=False)
    try:
        given = (root, PROJECT, REGION, vertex.environment, root / "said")
        yield executors.start(penguin_in_cloud.run, *given)
    finally:
        processes.kill(*executors.descendants())
        executors.close()


def completed(vertex: Vertex) -> set[str]:
    """The trials that completed, by what replicas print."""
    return set(re.findall(r"Trial (\d+) completed", vertex.jobs.said()))


def wait_for_trials(count: int, vertex: Vertex, pipeline: processes.Executor) -> None:
    """Waits until so many trials completed."""
    vertex.wait_for(
        lambda: len(completed(vertex)) >= count or pipeline.ended(0), _LONG_S
    )
    assert len(completed(vertex)) >= count, vertex.jobs.said()


def test_a_job_goes_on_when_its_machines_die(vertex: Vertex, tmp_path: Path) -> None:
    """Hours of training on many machines would be lost with one of them.

    Or Vizier would wait for trials that no one runs, or hear of results that are not so.
    """
    with pipeline(vertex, tmp_path) as process:
        wait_for_trials(1, vertex, process)
        vertex.jobs.kill("workerpool1-0")
        wait_for_trials(2, vertex, process)
        done = completed(vertex)
        vertex.jobs.kill("workerpool0-0")
        assert process.ended(_LONG_S)
        said = (tmp_path / "said").read_text()
        assert process.result() is None, said
    assert list((tmp_path / "serving").glob("*/saved_model.pb")), said
    (job,) = vertex.jobs.all()
    assert job.state == JobState.JOB_STATE_SUCCEEDED
    assert [pool.replica_count for pool in job.job_spec.worker_pool_specs] == [1, 2]

    results = Path(artifacts.latest(tmp_path, NAME, "Tuner", "tuner_results").uri)
    study = load_study(results)
    assert study.status == "finished"
    assert len(study.completed) == TRIALS
    attempts = {trial.trial_id: trial.attempts for trial in study.trials}
    assert max(map(len, attempts.values())) >= 2, "no trial lost its machine"
    # One of them may have ended just before a machine died.
    assert all(len(attempts[trial_id]) <= 2 for trial_id in done), "run again"
    # One that is slow to start may find that all trials have begun.
    assert len({a.node for each in attempts.values() for a in each}) >= 2
    assert "[workerpool0-0]" in said and "Trial 0 completed" in said
    agrees(vertex, study)
    assert vertex.mistakes == []
    # Ray asks for hosts of others.
    assert not [host for host in vertex.refused if host.endswith("googleapis.com")]
    written = [p for p in tmp_path.rglob("*") if p.is_file() and p.stat().st_size < 1e7]
    data = b"\n".join(path.read_bytes() for path in written)
    assert vertex.secrets
    assert not [one for one in vertex.secrets if one.encode() in data]


def agrees(vertex: Vertex, study: Any) -> None:
    """Vizier's trials are those of the search, with the same results; none is open."""
    studies = {
        study.display_name: [
            (t.client_id, State(t.state).name) for t in vertex.vizier.trials[name]
        ]
        for name, study in vertex.vizier.studies.items()
    }
    assert len(studies) == 1, studies
    told = {
        _rounded({p.parameter_id: p.value.number_value for p in trial.parameters}): (
            trial.state,
            trial.final_measurement.metrics[0].value,
        )
        for trial in vertex.vizier.all_trials()
    }
    known = {
        _rounded(t.hyperparameters): (State.SUCCEEDED, t.score) for t in study.completed
    }
    assert told == known
    assert len(vertex.vizier.all_trials()) == TRIALS


def _rounded(values: Mapping[str, float]) -> frozenset[tuple[str, float]]:
    return frozenset((name, float(f"{value:.6g}")) for name, value in values.items())


@pytest.mark.on_demand
def test_a_pipeline_that_is_stopped_stops_its_job(
    vertex: Vertex, tmp_path: Path
) -> None:
    """Machines would go on, and cost money; or what they found would be lost."""
    with pipeline(vertex, tmp_path) as process:
        wait_for_trials(1, vertex, process)
        os.kill(process.pid, signal.SIGINT)
        assert process.ended(_LONG_S)
        with pytest.raises(Exception, match="SIGINT, and it was cancelled"):
            process.result()
    (job,) = vertex.jobs.all()
    assert job.state == JobState.JOB_STATE_CANCELLED
    followers = [vertex.jobs.replica(f"workerpool1-{number}") for number in (0, 1)]
    assert None not in [follower.status() for follower in followers]
    assert not list(tmp_path.rglob("token"))
