"""The job of a search, as Vertex AI takes it: a CustomJob with a worker pool per role."""

import copy
import datetime
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from tfx import types
from tfx.types import artifact_utils
from tfx.utils import telemetry_utils

_log = logging.getLogger("tuner_component")

# Each job has one of its own: by it a job is found whose name was lost on the way.
LAUNCH_LABEL = "tuner_component_launch"
_MACHINE = {"machine_spec": {"machine_type": "n1-standard-8"}}
_ENTRY = ("python", "-m", "tfx.scripts.run_executor")


def with_workers(job_args: Mapping[str, Any], replicas: int) -> dict[str, Any]:
    """The user's description of a job, with as many machines as the search has trials.

    Args:
        job_args: The description; not changed.
        replicas: How many machines there are to be, the first one included.
    """
    job = copy.deepcopy(dict(job_args))
    if replicas <= 1:
        return job
    spec = _spec(job)
    pools = spec.get("worker_pool_specs") or [{**_MACHINE, "replica_count": 1}]
    others = sum(int(pool.get("replica_count", 1)) for pool in pools[2:])
    wanted = replicas - 1 - others
    if len(pools) < 2:
        pools = [*pools, copy.deepcopy(pools[0])]
    if wanted != pools[1].get("replica_count") and wanted > 0:
        _log.warning(
            "The job has %d machines, one for each trial that runs at a time: "
            "replica_count of worker_pool_specs[1] is %d.",
            replicas,
            wanted,
        )
        pools[1]["replica_count"] = wanted
    spec["worker_pool_specs"] = pools
    return job


def build(
    job_args: Mapping[str, Any],
    command: Sequence[str],
    display_name: str | None,
    launch: str,
) -> dict[str, Any]:
    """The CustomJob, as a dictionary.

    Args:
        job_args: The user's description of it, without the project.
        command: What each replica runs.
        display_name: Its name for people; None for one with the time.
        launch: The value of its `LAUNCH_LABEL`.

    Raises:
        ValueError: If the description lacks something.
    """
    job = copy.deepcopy(dict(job_args))
    spec = _spec(job)
    pools = spec.get("worker_pool_specs") or [{}]
    first = pools[0].get("container_spec") or {}
    for number, pool in enumerate(pools):
        if "python_package_spec" in pool:
            raise ValueError(
                f"Expected worker_pool_specs[{number}] to have a container_spec. Received: "
                "a python_package_spec, whose package would run instead of the search. "
                "Leave it out."
            )
        container = {**first, **(pool.get("container_spec") or {})}
        if not container.get("image_uri"):
            raise ValueError(
                f"Expected worker_pool_specs[{number}].container_spec.image_uri: an image "
                "with this package, its extra [ray] and what your module imports; "
                f"docs/cloud.md says how to build it. Received: {container!r}. (TFX's own "
                "image, which the stock component takes, has neither.)"
            )
        if container.get("command") or container.get("args"):
            _log.warning(
                "command and args of worker_pool_specs[%d].container_spec are left out: "
                "the job runs the search.",
                number,
            )
        pool["container_spec"] = {**container, "command": list(command), "args": []}
    spec["worker_pool_specs"] = pools
    moment = datetime.datetime.now().strftime("%Y%m%d%H%M%S")
    return {
        "display_name": job.get("display_name")
        or display_name
        or f"tfx_tuner_{moment}",
        "job_spec": spec,
        "labels": {
            **telemetry_utils.make_labels_dict(),
            **job.get("labels", {}),
            LAUNCH_LABEL: launch,
        },
        "encryption_spec": job.get("encryption_spec", {}),
    }


def command(
    input_dict: Mapping[str, list[types.Artifact]],
    output_dict: Mapping[str, list[types.Artifact]],
    exec_properties: Mapping[str, Any],
    executor_class_path: str,
) -> list[str]:
    """What each replica runs: an executor, by TFX's own script."""
    return [
        *_ENTRY,
        *("--executor_class_path", executor_class_path),
        *("--inputs", artifact_utils.jsonify_artifact_dict(input_dict)),
        *("--outputs", artifact_utils.jsonify_artifact_dict(output_dict)),
        *("--exec-properties", json.dumps(exec_properties, sort_keys=True)),
    ]


def _spec(job: dict[str, Any]) -> dict[str, Any]:
    """The CustomJobSpec in a description, which may be nothing else than that.

    Raises:
        TypeError: If it is none.
    """
    if "job_spec" not in job:
        known = ("display_name", "labels", "encryption_spec")
        outer = {name: job.pop(name) for name in known if name in job}
        inner = dict(job)
        job.clear()
        job.update(outer, job_spec=inner)
    spec: dict[str, Any] = job["job_spec"]
    pools = spec.get("worker_pool_specs") if isinstance(spec, dict) else spec
    if not isinstance(pools, list | None) or any(
        not isinstance(pool, dict) for pool in pools or ()
    ):
        raise TypeError(
            "Expected job_spec to be a dictionary, with worker_pool_specs, a list of "
            f"dictionaries. Received: {spec!r}."
        )
    return spec
