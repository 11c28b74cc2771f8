"""The job of a search and a stand-in for the service, spoken to by Google's own clients."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.cloud.aiplatform_v1.types.job_state import JobState
from tfx.types import standard_artifacts
from tfx.types import standard_component_specs as specs

from tests.support import limits, vertex_keys
from tests.support.vertex import PROJECT, REGION, Vertex, serving
from tuner_component.extensions.flock.board import Board
from tuner_component.extensions.google_cloud_ai_platform import (
    job_service,
    runner,
)
from tuner_component.search.errors import (
    SearchError,
    SearchFailedError,
    SearchInterruptedError,
)

_IMAGE = "registry.example/penguin:1"


@pytest.fixture
def vertex(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vertex]:
    """A service whose jobs run nothing: tests say how they end."""
    monkeypatch.setattr(runner, "_LOOK_S", 0.05)
    monkeypatch.setattr(runner, "_LAST_LINES_S", 0.05)
    monkeypatch.setattr(job_service, "_FIRST_PAUSE_S", 0.01)
    with serving() as service:
        yield service


def outputs(root: Path) -> dict[str, list[Any]]:
    """Artifacts for what the job finds."""
    best, results = (
        standard_artifacts.HyperParameters(),
        standard_artifacts.TunerResults(),
    )
    best.uri, results.uri = str(root / "best" / "1"), str(root / "results" / "1")
    return {
        specs.BEST_HYPERPARAMETERS_KEY: [best],
        specs.TUNER_RESULTS_KEY: [results],
    }


def described(**more: Any) -> dict[str, Any]:
    """A user's description of a job."""
    pool = {
        "machine_spec": {"machine_type": "n1-standard-4"},
        "replica_count": 1,
        "container_spec": {"image_uri": _IMAGE},
    }
    return {"project": PROJECT, "job_spec": {"worker_pool_specs": [pool]}, **more}


def start(root: Path, **more: Any) -> None:
    """Runs a job as the executor does."""
    given = {
        "job_args": described(),
        "job_id": "a-search",
        "output_dict": outputs(root),
    }
    runner.start_cloud_training(
        input_dict={},
        exec_properties={},
        executor_class_path="a.Class",
        enable_vertex=True,
        vertex_region=REGION,
        **{**given, **more},
    )


class Started(threading.Thread):
    """A job that runs beside the test, which plays the replicas."""

    def __init__(self, vertex: Vertex, root: Path, **more: Any) -> None:
        super().__init__(daemon=True)
        self._root, self._more = root, more
        self.error: BaseException | None = None
        self.outputs = outputs(root)
        self.start()
        vertex.wait_for(lambda: "GetCustomJob" in vertex.calls, limits.WAIT_S)
        properties = json.loads(self.command(vertex)[-1])
        self.board = Board(properties[runner.BOARD_KEY])

    @staticmethod
    def command(vertex: Vertex) -> list[str]:
        """What the replicas are to run."""
        (job,) = vertex.jobs.all()
        return list(job.job_spec.worker_pool_specs[0].container_spec.command)

    def run(self) -> None:
        """Runs it."""
        try:
            start(self._root, output_dict=self.outputs, **self._more)
        except BaseException as error:  # noqa: BLE001
            self.error = error

    def ended(self) -> BaseException | None:
        """Its error, when it has ended."""
        self.join(limits.WAIT_S)
        assert not self.is_alive()
        return self.error

    def find(self) -> None:
        """What the first replica does when it has found something."""
        best = Path(self.outputs[specs.BEST_HYPERPARAMETERS_KEY][0].uri)
        best.mkdir(parents=True)
        (best / "best_hyperparameters.txt").write_text("{}")
        made = outputs(self._root)
        made[specs.TUNER_RESULTS_KEY][0].set_float_custom_property("best_score", 0.5)
        self.board.add_outputs(runner.artifact_utils.jsonify_artifact_dict(made))


def test_a_job_is_made_watched_and_published(vertex: Vertex, tmp_path: Path) -> None:
    """Nothing would be started, or its end not noticed, or its result not known."""
    job = Started(vertex, tmp_path)
    job.find()
    secret = Path(job.board.directory, "token")
    assert secret.exists()
    vertex.jobs.end(JobState.JOB_STATE_SUCCEEDED)
    assert job.ended() is None
    (made,) = vertex.jobs.all()
    assert made.display_name == "a-search"
    (pool,) = made.job_spec.worker_pool_specs
    assert pool.container_spec.image_uri == _IMAGE
    command = list(pool.container_spec.command)
    assert command[:3] == ["python", "-m", "tfx.scripts.run_executor"]
    assert command[command.index("--executor_class_path") + 1] == "a.Class"
    (results,) = job.outputs[specs.TUNER_RESULTS_KEY]
    assert results.get_float_custom_property("best_score") == 0.5
    assert not secret.exists()


def test_a_job_whose_answer_is_lost_is_made_once(
    vertex: Vertex, tmp_path: Path
) -> None:
    """Two searches would cost twice the money, and fight for one study."""
    vertex.lose_answer("CreateCustomJob")
    job = Started(vertex, tmp_path)
    job.find()
    vertex.jobs.end(JobState.JOB_STATE_SUCCEEDED)
    assert job.ended() is None
    assert len(vertex.jobs.all()) == 1


def test_a_service_that_is_away_for_a_while_is_asked_again(
    vertex: Vertex, tmp_path: Path
) -> None:
    """A search of hours would be given up for a second without a network."""
    vertex.fail("CreateCustomJob", grpc.StatusCode.UNAVAILABLE, 2)
    vertex.fail("GetCustomJob", grpc.StatusCode.UNAVAILABLE, 3)
    vertex.fail("GetCustomJob", grpc.StatusCode.DEADLINE_EXCEEDED)
    job = Started(vertex, tmp_path)
    job.find()
    vertex.jobs.end(JobState.JOB_STATE_SUCCEEDED)
    assert job.ended() is None
    assert vertex.calls.count("GetCustomJob") >= 5


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.RESOURCE_EXHAUSTED]
)
def test_a_job_that_is_refused_is_said(
    vertex: Vertex, tmp_path: Path, code: grpc.StatusCode
) -> None:
    """A missing role or quota would end in a stack trace of gRPC's."""
    vertex.fail("CreateCustomJob", code, 9)
    with pytest.raises(
        SearchError, match=r"Expected Vertex AI to start .* told to by a"
    ):
        start(tmp_path)
    assert not list(tmp_path.rglob("token"))


def test_a_job_that_may_have_been_made_is_said(vertex: Vertex, tmp_path: Path) -> None:
    """A stack trace of gRPC's would hide that a job may run, which costs money."""
    vertex.lose_answer("CreateCustomJob")
    vertex.fail("ListCustomJobs", grpc.StatusCode.PERMISSION_DENIED)
    with pytest.raises(SearchError, match=r"has made the job.* cancel it\. Then run"):
        start(tmp_path)
    assert not list(tmp_path.rglob("token"))


def test_a_field_that_there_is_not_is_said(vertex: Vertex, tmp_path: Path) -> None:
    """A misspelled field would end in a stack trace of protobuf's."""
    described_so = described()
    described_so["job_spec"]["workerPoolSpecs"] = []
    with pytest.raises(ValueError, match=r"Expected .* not workerPoolSpecs.* Received"):
        start(tmp_path, job_args=described_so)
    assert vertex.jobs.all() == []
    assert not list(tmp_path.rglob("token"))


def test_missing_credentials_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would know what to do."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(SearchError, match="Expected application-default credentials"):
        start(tmp_path)
    assert not list(tmp_path.rglob("*"))


def test_credentials_that_have_expired_are_said(
    vertex: Vertex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service would be asked for ten minutes whether it has made the job."""
    adc, _ = vertex_keys.of_user(tmp_path)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(adc))
    vertex.are_refused = True
    with pytest.raises(SearchError, match="expired. Run `gcloud auth application-"):
        start(tmp_path / "root")
    assert not list(tmp_path.rglob("token"))


def test_the_error_of_a_replica_reaches_the_user(
    vertex: Vertex, tmp_path: Path
) -> None:
    """People would have to look for it in the logs of three machines."""
    job = Started(vertex, tmp_path)
    job.board.fail("workerpool1-0", SearchError("it has lost the head"))
    job.board.fail(
        "workerpool0-0", SearchFailedError("all trials fail", "Traceback", 3)
    )
    vertex.jobs.end(
        JobState.JOB_STATE_FAILED, "The replica workerpool0-0 exited with 1."
    )
    error = job.ended()
    assert isinstance(error, SearchFailedError)
    assert error.first_traceback == "Traceback"
    assert "JOB_STATE_FAILED. The replica workerpool0-0 exited with 1." in str(error)
    assert "workerpool0-0 says: all trials fail" in str(error)
    assert "workerpool1-0 says: it has lost the head" in str(error)


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "EXPIRED"])
def test_a_job_that_ends_without_a_word_is_an_error(
    vertex: Vertex, tmp_path: Path, state: str
) -> None:
    """The pipeline would go on without hyperparameters."""
    job = Started(vertex, tmp_path)
    vertex.jobs.end(JobState[f"JOB_STATE_{state}"], "Out of stock.")
    error = job.ended()
    assert isinstance(error, SearchError)
    assert f"JOB_STATE_{state}. Out of stock." in str(error)


def test_a_job_that_wrote_elsewhere_is_an_error(vertex: Vertex, tmp_path: Path) -> None:
    """A pipeline root on one machine's disk would give an empty artifact."""
    job = Started(vertex, tmp_path)
    vertex.jobs.end(JobState.JOB_STATE_SUCCEEDED)
    error = job.ended()
    assert isinstance(error, SearchError)
    assert "must be where this process and all replicas see the same files" in str(
        error
    )


def test_a_signal_cancels_the_job(vertex: Vertex, tmp_path: Path) -> None:
    """A pipeline that was stopped would leave machines that cost money."""

    def stop() -> None:
        vertex.wait_for(lambda: "GetCustomJob" in vertex.calls, limits.WAIT_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop).start()
    with pytest.raises(SearchInterruptedError, match=r"Received: SIGTERM, and it was"):
        start(tmp_path)
    (job,) = vertex.jobs.all()
    assert job.state == JobState.JOB_STATE_CANCELLED
    assert not list(tmp_path.rglob("token"))


def test_the_log_of_the_job_is_that_of_the_pipeline(
    vertex: Vertex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody would see how the search goes."""
    caplog.set_level(logging.INFO, "tuner_component")
    job = Started(vertex, tmp_path)
    job.find()
    vertex.jobs.print(
        "workerpool0-0", *(f"Trial {number} starts" for number in range(250))
    )
    vertex.wait_for(
        lambda: "[workerpool0-0] Trial 249 starts" in caplog.text, limits.WAIT_S
    )
    vertex.jobs.print("workerpool1-0", "a last line")
    vertex.jobs.end(JobState.JOB_STATE_SUCCEEDED)
    assert job.ended() is None
    lines = [r.getMessage() for r in caplog.records]
    shown = [line for line in lines if line.startswith("[workerpool0-0]")]
    assert shown == [f"[workerpool0-0] Trial {number} starts" for number in range(250)]
    assert lines.count("[workerpool1-0] a last line") == 1
    states = [line.rpartition(" ")[2] for line in lines if ": JOB_STATE" in line]
    assert states == ["JOB_STATE_PENDING.", "JOB_STATE_SUCCEEDED."]


def test_lines_that_come_late_are_shown_once(
    vertex: Vertex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Machines send what they print one after another: most of it would be lost."""
    caplog.set_level(logging.INFO, "tuner_component")
    job = Started(vertex, tmp_path)
    job.find()
    (made,) = vertex.jobs.all()
    vertex.jobs.print("workerpool0-0", "a quick line")
    vertex.wait_for(lambda: "a quick line" in caplog.text, limits.WAIT_S)
    vertex.jobs.print("workerpool1-0", "a late line", at=made.create_time)
    vertex.wait_for(lambda: "a late line" in caplog.text, limits.WAIT_S)
    vertex.jobs.end(JobState.JOB_STATE_SUCCEEDED)
    assert job.ended() is None
    lines = [r.getMessage() for r in caplog.records]
    assert lines.count("[workerpool0-0] a quick line") == 1
    assert lines.count("[workerpool1-0] a late line") == 1


def test_a_log_that_may_not_be_read_is_no_error(
    vertex: Vertex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A missing role would cost the search, or fill the log with warnings."""
    vertex.may_read_log = False
    job = Started(vertex, tmp_path)
    job.find()
    vertex.jobs.end(JobState.JOB_STATE_SUCCEEDED)
    assert job.ended() is None
    warnings = [r for r in caplog.records if "roles/logging.viewer" in r.getMessage()]
    assert len(warnings) == 1


def test_no_credentials_are_shown(
    vertex: Vertex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever reads a log or an artifact could act as the pipeline."""
    caplog.set_level(logging.DEBUG)
    vertex.fail("GetCustomJob", grpc.StatusCode.UNAVAILABLE, 2)
    job = Started(vertex, tmp_path)
    flock = job.board.token()
    job.find()
    vertex.jobs.end(JobState.JOB_STATE_FAILED, "a failure")
    error = job.ended()
    files = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    (made,) = vertex.jobs.all()
    shown = "\n".join([caplog.text, str(error), str(made), *files])
    assert len(vertex.secrets) > 20  # That of the file, and those that were sent.
    assert not [secret for secret in (flock, *vertex.secrets) if secret in shown]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"enable_vertex": False}, "Google has turned that off"),
        ({"vertex_region": None}, "VERTEX_REGION_KEY"),
        ({"job_args": {"job_spec": {}}}, "to have a project"),
        ({"job_args": {"project": PROJECT}}, "image_uri"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_started(
    tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    """People would wait for a machine to learn of a misspelled key."""
    given = {"job_args": described(), "enable_vertex": True, "vertex_region": REGION}
    with pytest.raises(ValueError, match=f"Expected .*{said}"):
        runner.start_cloud_training(
            {}, outputs(tmp_path), {}, "a.Class", job_id=None, **{**given, **more}
        )
    assert not list(tmp_path.rglob("*"))
