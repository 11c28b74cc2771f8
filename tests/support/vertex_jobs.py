"""The custom jobs of a stand-in for Vertex AI, and the log that Google keeps of them.

It keeps jobs, and really runs the command of each replica on a machine of its own (see
`replicas`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import re
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import grpc
from google.cloud.aiplatform_v1.types import custom_job as types
from google.cloud.aiplatform_v1.types import job_service
from google.cloud.aiplatform_v1.types.job_state import JobState
from google.protobuf import empty_pb2

from tests.support.vertex_doors import Method, Refused

if TYPE_CHECKING:
    from tests.support import replicas

REGION = "us-central1"
PROJECT = "a-project"
_LOOK_S = 0.2
_GRACE_S = 20.0


@dataclasses.dataclass
class _Job:
    message: Any
    commands: dict[str, tuple[int, list[str], dict[str, str]]]
    running: dict[str, replicas.Running] = dataclasses.field(default_factory=dict)
    read: dict[str, int] = dataclasses.field(default_factory=dict)
    cancelled_at: float | None = None


class Jobs:
    """The service's jobs, until it is closed.

    Args:
        machines: Where their replicas run; None to run nothing.
        environment: What the service's machines have, besides what a job says.
        changed: Is held while anything changes, and notified.
    """

    def __init__(
        self,
        machines: replicas.Machines | None,
        environment: Mapping[str, str],
        changed: threading.Condition,
    ) -> None:
        self._machines, self._environment = machines, environment
        self._changed = changed
        self._jobs: dict[str, _Job] = {}
        self._entries: list[dict[str, Any]] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends all of them."""
        self._closing.set()
        self._thread.join()
        if self._machines is not None:
            self._machines.close()

    # What tests tell it.

    def end(self, state: JobState, message: str = "") -> None:
        """Has the only job end so; its replicas are killed."""
        with self._changing():
            self._end(self._job, state, message)

    def print(
        self, name: str, *lines: str, at: datetime.datetime | None = None
    ) -> None:
        """Has a replica of the only job print lines, as if it ran.

        Args:
            name: The replica.
            lines: The lines, which the log has from now on.
            at: When it printed them; now if None.
        """
        with self._changing():
            for line in lines:
                self._add(self._job, name, line, at)

    def replica(self, name: str) -> replicas.Running:
        """A replica of the only job, such as "workerpool1-0"."""
        with self._changed:
            return self._job.running[name]

    def kill(self, name: str) -> None:
        """Loses a machine, and starts its replica again, as the service does."""
        with self._changing():
            job = self._job
            job.running[name].kill()
            self._start(job, name)

    def all(self) -> list[Any]:
        """All jobs, as the service describes them."""
        with self._changed:
            return [job.message for job in self._jobs.values()]

    def said(self) -> str:
        """What replicas of all jobs have printed."""
        with self._changed:
            lines = [
                f"[{e['resource']['labels']['task_name']}] {e['textPayload']}"
                for e in self._entries
            ]
        return "\n".join(lines)

    @property
    def _job(self) -> _Job:
        (job,) = self._jobs.values()
        return job

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with self._changed:
            yield
            self._changed.notify_all()

    # What clients ask of it.

    def methods(self) -> dict[str, Method]:
        """What it can be asked, by the paths of gRPC."""
        known = {
            "CreateCustomJob": (job_service.CreateCustomJobRequest, self._create),
            "GetCustomJob": (job_service.GetCustomJobRequest, self._get),
            "ListCustomJobs": (job_service.ListCustomJobsRequest, self._list),
            "CancelCustomJob": (job_service.CancelCustomJobRequest, self._cancel),
        }
        return {
            f"/google.cloud.aiplatform.v1.JobService/{name}": Method(
                name, request.pb(), do
            )
            for name, (request, do) in known.items()
        }

    def _create(self, request: Any) -> Any:
        if request.parent != f"projects/{PROJECT}/locations/{REGION}":
            raise Refused(grpc.StatusCode.NOT_FOUND, f"no {request.parent}")
        number = str(len(self._jobs) + 101)
        message = types.CustomJob()
        types.CustomJob.copy_from(message, request.custom_job)
        message.name = f"projects/1/locations/{REGION}/customJobs/{number}"
        message.state = JobState.JOB_STATE_PENDING
        message.create_time = datetime.datetime.now(datetime.timezone.utc)
        try:
            commands = _commands(message, self._machines)
        except ValueError as error:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from error
        self._jobs[message.name] = _Job(message, commands)
        return types.CustomJob.pb(message)

    def _get(self, request: Any) -> Any:
        return types.CustomJob.pb(self._known(request.name).message)

    def _list(self, request: Any) -> Any:
        found = re.fullmatch(r"labels\.(\w+)=(\w+)", request.filter)
        if not found:
            code = grpc.StatusCode.INVALID_ARGUMENT
            raise Refused(code, f"filter {request.filter}")
        name, value = found.groups()
        jobs = [
            j.message for j in self._jobs.values() if j.message.labels[name] == value
        ]
        answer = job_service.ListCustomJobsResponse(custom_jobs=jobs)
        return job_service.ListCustomJobsResponse.pb(answer)

    def _cancel(self, request: Any) -> Any:
        job = self._known(request.name)
        job.message.state = JobState.JOB_STATE_CANCELLING
        job.cancelled_at = _now().timestamp()
        for running in job.running.values():
            if running.status() is None:
                running.terminate()
        return empty_pb2.Empty()

    def _known(self, name: str) -> _Job:
        if name not in self._jobs:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"no job {name}")
        return self._jobs[name]

    def list_entries(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Answers a request to Cloud Logging; 400 if it is none that it takes."""
        query = json.loads(body)
        allowed = {"resourceNames", "filter", "orderBy", "pageSize", "pageToken"}
        found = re.fullmatch(
            r'resource\.type="ml_job" AND resource\.labels\.job_id="(\d+)" '
            r'AND timestamp>="([^"]*)"',
            query["filter"],
        )
        if not found or query.keys() - allowed:
            return 400, {}
        job, since = found.groups()
        with self._changed:
            entries = [
                entry
                for entry in self._entries
                if entry["resource"]["labels"]["job_id"] == job
                and entry["timestamp"] >= since
            ]
        begin = int(query.get("pageToken", 0))
        end = begin + min(query["pageSize"], 100)
        more = {"nextPageToken": str(end)} if end < len(entries) else {}
        return 200, {"entries": entries[begin:end], **more}

    # What happens without being asked.

    def _watch(self) -> None:
        while not self._closing.wait(_LOOK_S):
            with self._changed:
                for job in self._jobs.values():
                    self._look_after(job)
                self._changed.notify_all()

    def _look_after(self, job: _Job) -> None:
        self._read(job)
        state = job.message.state
        if state == JobState.JOB_STATE_PENDING and self._machines is not None:
            for name in job.commands:
                self._start(job, name)
            job.message.state = JobState.JOB_STATE_RUNNING
            return
        ended = {name: running.status() for name, running in job.running.items()}
        if state == JobState.JOB_STATE_CANCELLING:
            late = _now().timestamp() - (job.cancelled_at or 0) > _GRACE_S
            if late or None not in ended.values():
                self._end(job, JobState.JOB_STATE_CANCELLED, "")
        elif state == JobState.JOB_STATE_RUNNING and ended:
            failed = [name for name, status in ended.items() if status]
            if failed:
                self._end(
                    job,
                    JobState.JOB_STATE_FAILED,
                    f"The replica {failed[0]} exited with a non-zero status of "
                    f"{ended[failed[0]]}.",
                )
            elif None not in ended.values():
                self._end(job, JobState.JOB_STATE_SUCCEEDED, "")

    def _start(self, job: _Job, name: str) -> None:
        assert self._machines is not None
        number, command, environment = job.commands[name]
        job.running[name] = self._machines.start(
            number, command, {**self._environment, **environment}
        )
        job.read[name] = 0

    def _end(self, job: _Job, state: JobState, message: str) -> None:
        for running in job.running.values():
            running.kill()
        self._read(job)
        job.message.state = state
        if message:
            job.message.error = {"code": 3, "message": message}

    def _read(self, job: _Job) -> None:
        """Takes what replicas have printed into the log."""
        for name, running in job.running.items():
            lines = running.said().splitlines()
            for line in lines[job.read[name] :]:
                self._add(job, name, line)
            job.read[name] = len(lines)

    def _add(
        self, job: _Job, name: str, line: str, at: datetime.datetime | None = None
    ) -> None:
        number = job.message.name.rpartition("/")[2]
        entry = {
            "insertId": f"entry-{len(self._entries)}",
            "timestamp": f"{at or _now():%Y-%m-%dT%H:%M:%S.%fZ}",
            "textPayload": line,
            "resource": {
                "type": "ml_job",
                "labels": {"job_id": number, "task_name": name},
            },
        }
        self._entries.append(entry)


def _commands(
    job: Any, machines: replicas.Machines | None
) -> dict[str, tuple[int, list[str], dict[str, str]]]:
    """For each replica its machine, its command, and its variables.

    Raises:
        ValueError: If the job is not one that the service takes.
    """
    pools = job.job_spec.worker_pool_specs
    if not pools or pools[0].replica_count != 1:
        raise ValueError("worker_pool_specs[0].replica_count must be 1")
    found: dict[str, tuple[int, list[str], dict[str, str]]] = {}
    cluster: dict[str, list[int]] = {}
    for number, pool in enumerate(pools):
        if not pool.machine_spec.machine_type or not pool.container_spec.image_uri:
            raise ValueError(f"worker_pool_specs[{number}] lacks a machine or an image")
        begin = sum(map(len, cluster.values()))
        cluster[f"workerpool{number}"] = list(range(begin, begin + pool.replica_count))
        for index, machine in enumerate(cluster[f"workerpool{number}"]):
            command = [*pool.container_spec.command, *pool.container_spec.args]
            variables = {e.name: e.value for e in pool.container_spec.env}
            found[f"workerpool{number}-{index}"] = (machine, command, variables)
    if machines is None:
        return found
    from tests.support import replicas

    ends = {name: machines.ends(numbers) for name, numbers in cluster.items()}
    for name, (_, _, variables) in found.items():
        kind, _, index = name.rpartition("-")
        if len(found) == 1:
            ends, kind = {"chief": [f"127.0.0.1:{replicas.PORT}"]}, "chief"
        task = {"type": kind, "index": int(index), "cloud": "a word of the service's"}
        spec = {"cluster": ends, "environment": "cloud", "task": task}
        variables["CLUSTER_SPEC"] = json.dumps(spec)
    return found


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)
