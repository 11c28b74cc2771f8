"""The compiled pipeline, executed by kfp.local in containers, where podman works.

    TEST_CONTAINERS=1 python -m pytest tests/kubeflow/test_containers.py

Not part of every run: an image of the whole environment takes minutes, and 5 GB.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.kubeflow import containers
from tests.kubeflow.conftest import Compiled
from tests.kubeflow.support import IMAGE, LocalRun
from tuner_component import load_tuner_results

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def engine() -> Iterator[Mapping[str, str]]:
    """A container engine that has the image."""
    if not os.environ.get("TEST_CONTAINERS"):
        pytest.skip("containers take minutes and 5 GB: ask with TEST_CONTAINERS=1")
    with contextlib.ExitStack() as stack:
        try:
            environment = stack.enter_context(containers.engine())
        except containers.NoContainersError as error:
            pytest.skip(f"no containers here: {error}")
        stack.callback(podman, environment, "image", "rm", "--force", IMAGE)
        containers.build_image(IMAGE, environment)
        yield environment


def podman(environment: Mapping[str, str], *command: str) -> str:
    done = subprocess.run(
        ["podman", *command],
        check=True,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_container_that_exits_with_3_fails_the_run(
    engine: Mapping[str, str], tmp_path: Path
) -> None:
    """kfp.local, as it comes, reports it as a success."""
    task = {"componentRef": {"name": "fails"}, "taskInfo": {"name": "fails"}}
    container = {"image": IMAGE, "command": ["sh", "-c", "exit 3"]}
    spec = {
        "components": {"fails": {"executorLabel": "fails"}},
        "deploymentSpec": {"executors": {"fails": {"container": container}}},
        "pipelineInfo": {"name": "failing"},
        "root": {"dag": {"tasks": {"fails": task}}},
        "schemaVersion": "2.1.0",
        "sdkVersion": "none",
    }
    file = tmp_path / "failing.yaml"
    file.write_text(yaml.safe_dump(spec))
    (tmp_path / "root").mkdir()
    run = LocalRun(file, tmp_path / "run", {}, tmp_path / "root", engine)
    with contextlib.closing(run):
        for _ in run.follow():
            pass
    assert "Inner task failed" in (run.error() or "")
    assert [attempt.status for attempt in run.attempts()] == [3]


def test_pipeline_runs_in_containers_though_its_tuner_is_killed(
    engine: Mapping[str, str], compiled: Compiled, tmp_path: Path
) -> None:
    """It would rely on the machine that compiled it, on a network, or on being root."""
    compiled.root.chmod(0o777)
    run = LocalRun(compiled.tuning, tmp_path / "run", {}, compiled.root, engine)
    killed = False
    with contextlib.closing(run):
        for line in run.follow():
            if not killed and re.search(r"Trial \d+ completed \(3 of 8\)", line):
                (tuner,) = podman(engine, "ps", "--quiet").split()
                podman(engine, "kill", tuner)
                killed = True
    assert run.error() is None, run.output
    assert [a.status for a in run.attempts("Tuner")] == [128 + 9, 0]
    assert run.attempts()[-1].task == "Pusher"
    for attempt in run.attempts():
        if attempt.status == 0:
            assert attempt.output()["artifacts"]
    results = load_tuner_results(run.attempts("Tuner")[-1].uri("tuner_results"))
    assert sorted(trial.trial_id for trial in results) == list("01234567")
    counts = re.findall(r"Trial \d+ completed \((\d+) of 8\)", run.output)
    assert counts == [str(n + 1) for n in range(len(counts))] and len(counts) == 8
