"""Starting the job of a search, watching it, and telling what came of it."""

import contextlib
import logging
import os
import secrets
import signal
import threading
import time
from collections.abc import Mapping
from multiprocessing import connection
from typing import Any

from google.cloud.aiplatform_v1.types import CustomJob, JobState
from tfx import types
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs

from tuner_component.arguments import tune_args
from tuner_component.extensions.flock.board import Board
from tuner_component.extensions.google_cloud_ai_platform import custom_job
from tuner_component.extensions.google_cloud_ai_platform.job_log import JobLog
from tuner_component.extensions.google_cloud_ai_platform.job_service import (
    FINAL,
    JobService,
)
from tuner_component.results.loading import BEST_HYPERPARAMETERS_FILE
from tuner_component.search.errors import (
    PortableError,
    SearchError,
    SearchStoppedError,
    rebuild,
)
from tuner_component.search.machine import posix
from tuner_component.search.storage import files

_log = logging.getLogger("tuner_component")

# The execution property that tells replicas where they leave word for each other.
BOARD_KEY = "tuner_component_board"
_BOARDS = "flocks"
_LOOK_S = 5.0
# A job that was cancelled ends all of its replicas within this.
_CANCEL_S = 300.0
# Cloud Logging takes a moment to show the last lines.
_LAST_LINES_S = 10.0


def start_cloud_training(
    input_dict: Mapping[str, list[types.Artifact]],
    output_dict: Mapping[str, list[types.Artifact]],
    exec_properties: Mapping[str, Any],
    executor_class_path: str,
    job_args: Mapping[str, Any],
    job_id: str | None,
    job_labels: Mapping[str, str] | None = None,
    enable_vertex: bool = False,
    vertex_region: str | None = None,
) -> None:
    """Runs an executor as a job of Vertex AI, and waits for its end.

    Args:
        input_dict: Input artifacts of the executor.
        output_dict: Its output artifacts; the job writes them.
        exec_properties: Its execution properties.
        executor_class_path: Its class, which each replica of the job runs.
        job_args: The user's description of the job, with its project.
        job_id: The job's name for people.
        job_labels: Of no effect: labels are a part of `job_args`.
        enable_vertex: Must be True.
        vertex_region: Where the job runs.

    Raises:
        ValueError: If the description of the job lacks something.
        SearchError: If the job cannot be started or fails; if a replica could say why, it
            is the error of that.
        SearchStoppedError: If this process was told to end. The job is cancelled.
    """
    project, region = _place(job_args, enable_vertex, vertex_region)
    launch = secrets.token_hex(8)
    board = Board(_board_directory(exec_properties, output_dict, launch))
    described = {name: arg for name, arg in job_args.items() if name != "project"}
    job = custom_job.build(
        described,
        custom_job.command(
            input_dict,
            output_dict,
            {**exec_properties, BOARD_KEY: board.directory},
            executor_class_path,
        ),
        job_id,
        launch,
    )
    if job_labels:
        job["labels"] = {**job["labels"], **job_labels}
    service = JobService(project, region)
    board.make()
    with _caught_signals() as signals:
        made = _created(service, job, board)
        watch = _Watch(service, made, signals)
        ended = watch.until_the_end()
    try:
        _tell(ended, watch.signal, board)
        _publish(board, output_dict)
    finally:
        board.remove()


def _place(
    job_args: Mapping[str, Any], enable_vertex: bool, region: str | None
) -> tuple[str, str]:
    if not enable_vertex:
        raise ValueError(no_vertex())
    if not region:
        raise ValueError(
            "Expected custom_config to have VERTEX_REGION_KEY, the region of the job. "
            "Received: none. Write 'us-central1', say, or where your bucket is."
        )
    if not job_args.get("project"):
        raise ValueError(
            "Expected the description of the job to have a project. Received: "
            f"{', '.join(job_args) or 'an empty one'}. Add 'project': the id of your "
            "project in Google Cloud."
        )
    return str(job_args["project"]), region


def no_vertex() -> str:
    """What to tell those who ask for the service that is gone."""
    return (
        "Expected ENABLE_VERTEX_KEY: True in custom_config. Received: none, which stands "
        "for AI Platform Training (ml.googleapis.com). Google has turned that off; its "
        "successor is Vertex AI. Set ENABLE_VERTEX_KEY and VERTEX_REGION_KEY, and write "
        "the description of the job as a CustomJob: docs/cloud.md has one."
    )


def _board_directory(
    exec_properties: Mapping[str, Any],
    output_dict: Mapping[str, list[types.Artifact]],
    launch: str,
) -> str:
    """A directory beside the studies, which all replicas have to see anyhow."""
    args = tune_args.from_exec_properties(exec_properties.get(specs.TUNE_ARGS_KEY))
    parent = args.study_dir
    if not parent:
        uri = artifact_utils.get_single_uri(output_dict[specs.BEST_HYPERPARAMETERS_KEY])
        parent = os.path.join(os.path.dirname(uri.rstrip("/")), ".system")
    if not files.is_remote(parent):
        _log.warning(
            "Expected the pipeline's root, or tune_args.study_dir, to be in a bucket, "
            "gs://... Received: %s. All replicas of the job must see the same files there.",
            parent,
        )
    return files.join(parent.rstrip("/"), _BOARDS, launch)


def _created(service: JobService, job: Mapping[str, Any], board: Board) -> CustomJob:
    try:
        return service.create(job)
    except BaseException:
        board.remove()
        raise


def _caught_signals() -> contextlib.AbstractContextManager[posix.SignalPipe | None]:
    if threading.current_thread() is not threading.main_thread():
        return contextlib.nullcontext()
    return posix.caught_signals(signal.SIGTERM, signal.SIGINT)


class _Watch:
    """Follows a job to its end.

    Args:
        service: The service.
        job: The job, as the service has made it.
        signals: Those that cancel it; None in a thread that gets none.

    Attributes:
        signal: The name of the one that came, if one did.
    """

    def __init__(
        self, service: JobService, job: CustomJob, signals: posix.SignalPipe | None
    ) -> None:
        self._service, self._job = service, job
        self._signals = signals
        number = job.name.rpartition("/")[2]
        since = job.create_time.rfc3339() if job.create_time else "1970-01-01T00:00:00Z"
        self._lines = JobLog(service.project, number, since)
        self._state: JobState | None = None
        self._cancelled_at: float | None = None
        self.signal = ""
        _log.info(
            "The job %s was made. Look at it in "
            "https://console.cloud.google.com/vertex-ai/locations/%s/training/%s"
            "?project=%s",
            *(job.name, service.region, number, service.project),
        )

    def until_the_end(self) -> CustomJob:
        """Waits for it; passes on what it says.

        Raises:
            SearchError: If the service does not say how it is.
        """
        while True:
            self._wait(_LOOK_S)
            job = self._service.get(self._job.name)
            self._pass_on(job)
            if job.state in FINAL:
                self._wait(_LAST_LINES_S)
                self._pass_on(job)
                return job
            late = self._cancelled_at and time.monotonic() - self._cancelled_at
            if late and late > _CANCEL_S:
                raise SearchError(
                    f"Expected the job {job.name} to end when it was cancelled. Received: "
                    f"{job.state.name}. Look at it in the console: it costs money."
                )

    def _pass_on(self, job: CustomJob) -> None:
        for line in self._lines.new_lines():
            _log.info("%s", line)
        if job.state != self._state:
            self._state = job.state
            _log.info("The job %s: %s.", job.name, job.state.name)

    def _wait(self, seconds: float) -> None:
        """Waits, unless a signal asks for the end of the job."""
        if self._signals is None:
            time.sleep(seconds)
            return
        ready = connection.wait([self._signals], seconds)  # type: ignore[list-item]
        for number in self._signals.read() if ready else ():
            self.signal = posix.signal_name(number)
            if self._cancelled_at is None:
                _log.warning(
                    "%s: the job %s is cancelled.", self.signal, self._job.name
                )
                self._cancelled_at = time.monotonic()
                self._service.cancel(self._job.name)


def _tell(job: CustomJob, stopped_by: str, board: Board) -> None:
    """Raises what came of a job, unless it has succeeded.

    Raises:
        SearchError: Or the error of a replica.
    """
    if job.state == JobState.JOB_STATE_SUCCEEDED:
        return
    if stopped_by:
        raise SearchStoppedError(
            f"Expected the job {job.name} to run to its end. Received: {stopped_by}, and it "
            "was cancelled. All completed trials are kept: run the same pipeline again to "
            "go on from there."
        )
    failures = board.failures()
    # The first replica runs the search: what it says is the cause.
    names = sorted(failures, key=lambda name: (not name.endswith("pool0-0"), name))
    said = f"{job.state.name}. {job.error.message}".strip()
    told = "".join(f"\nThe replica {n} says: {failures[n].message}" for n in names)
    message = (
        f"Expected the job {job.name} to succeed. Received: {said}{told}\nCompleted trials "
        "are kept: running the same pipeline again goes on from there."
    )
    if not names:
        raise SearchError(f"{message} The log of the job says more.")
    first = failures[names[0]]
    raise rebuild(
        PortableError(
            first.type_path, message, first.first_traceback, first.failed_trials
        )
    )


def _publish(board: Board, output_dict: Mapping[str, list[types.Artifact]]) -> None:
    """Takes over what the job said of its artifacts, whose files it has written.

    Raises:
        SearchError: If they are not where this process looks for them.
    """
    best = artifact_utils.get_single_uri(output_dict[specs.BEST_HYPERPARAMETERS_KEY])
    described = board.outputs()
    if described is None or not files.exists(
        files.join(best, BEST_HYPERPARAMETERS_FILE)
    ):
        raise SearchError(
            "Expected the job, which has succeeded, to have written its artifacts to "
            f"{best}. Received: nothing there. The pipeline's root must be where this "
            "process and all replicas see the same files: a bucket, say."
        )
    for key, artifacts in artifact_utils.parse_artifact_dict(described).items():
        for mine, its in zip(output_dict[key], artifacts, strict=True):
            for name, value in its.mlmd_artifact.custom_properties.items():
                mine.mlmd_artifact.custom_properties[name].CopyFrom(value)
