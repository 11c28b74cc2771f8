"""Runs a compiled pipeline with kfp.local, and reports what became of each task.

    python -m tests.kubeflow.run_locally JOB REPORT

It runs in the environment of the newest Kubeflow SDK. JOB is JSON: `file`, the compiled
pipeline; `root`, where artifacts go; `arguments` of the pipeline; either
`environment`, `directory` and `interpreter` of the containers' commands, which run as
processes here, or `data`, a directory that containers may read. REPORT gets JSON: for each attempt at a task its
command and exit status, and what the run ended with.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import docker
import kfp.components
import kfp.local

from tests.kubeflow import shims


def main(job_file: str, report_file: str) -> int:
    """Returns the exit status: 0 where the pipeline succeeded."""
    job = json.loads(Path(job_file).read_text())
    attempts: list[dict[str, Any]] = []

    def note(command: list[str], status: int) -> None:
        attempts.append({"command": command, "status": status})

    shims.keep_component_names()
    shims.keep_artifact_types()
    shims.keep_importers()
    if "data" in job:
        shims.keep_exit_statuses(note)
        data = docker.types.Mount(job["data"], job["data"], "bind", read_only=True)
        runner = kfp.local.DockerRunner(network_mode="none", mounts=[data])
    else:
        shims.run_containers_as_subprocesses(
            job["directory"], job["environment"], job["interpreter"], note
        )
        runner = kfp.local.SubprocessRunner(use_venv=False)
    kfp.local.init(runner, pipeline_root=job["root"])
    error = None
    try:
        kfp.components.load_component_from_file(job["file"])(**job["arguments"])
    except RuntimeError as failure:
        error = str(failure)
    except docker.errors.DockerException as failure:
        error = (
            f"Expected {os.environ.get('DOCKER_HOST', 'Docker')} to run containers of "
            f"the image that the pipeline names. Received: {failure}. Start it, or "
            "build or tag the image; docs/kubeflow.md says how, with podman, too."
        )
        print(error, file=sys.stderr)
    Path(report_file).write_text(json.dumps({"attempts": attempts, "error": error}))
    return 1 if error else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
