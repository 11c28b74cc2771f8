"""The compiled Tuner alone, in a process that is told what a pod of a cluster is told."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.penguin import kubeflow
from tests.kubeflow.conftest import Compiled, Runs
from tests.kubeflow.harness import CompiledTask, UnknownFieldError
from tests.kubeflow.support import IMAGE, container_environment
from tests.search.support import processes
from tuner_component import load_best_hyperparameters, load_tuner_results

_NAMESPACE = ("--pid", "--fork", "--kill-child", "--mount-proc")


def start(command: list[str], directory: Path) -> subprocess.Popen[str]:
    """Starts a container's command as process 1 of a process namespace, as pods do.

    Nothing of it outlives process 1 there; and signals that process 1 does not handle
    have no effect on it.
    """
    directory.mkdir()
    return subprocess.Popen(
        ["unshare", *_NAMESPACE, *command],
        cwd=directory,
        env=container_environment(directory),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def tuner_2_0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tuning pipeline as the JSON of a job, with the older pipeline spec."""
    directory = tmp_path_factory.mktemp("spec-2.0")
    options = kubeflow.Options(
        root=str(directory / "root"),
        image=IMAGE,
        data="not needed",
        tune_args="{}",
        spec="2.0",
    )
    return kubeflow.compile_pipeline("penguin", False, options, directory)


@pytest.fixture
def isolated() -> None:
    """Skips where process namespaces cannot be made."""
    unshare = shutil.which("unshare")
    probe = [str(unshare), *_NAMESPACE, "true"]
    if not unshare or subprocess.run(probe, check=False).returncode:
        pytest.skip("no unshare --pid here (it takes root and util-linux)")


@pytest.mark.slow
@pytest.mark.usefixtures("isolated")
def test_terminated_tuner_goes_on_in_another_run(
    runs: Runs, tuner_2_0: Path, tmp_path: Path
) -> None:
    """A preemption would cost the trials, though the user named a study directory."""
    told = runs.tuning.attempts("Tuner")[-1].executor_input
    tune_args = {"num_parallel_trials": 2, "study_dir": str(tmp_path / "studies")}
    tuner = CompiledTask(tuner_2_0, "Tuner")

    def pod(run: str) -> tuple[subprocess.Popen[str], Path]:
        # As Vertex lays it out: project, job, task with the task's id.
        task = tmp_path / "root" / "1234" / run / "Tuner_-5678"
        executor_input = tuner.executor_input(
            task, told["inputs"]["artifacts"], {"tune_args": json.dumps(tune_args)}
        )
        return start(tuner.command(executor_input), tmp_path / run), task

    first, output = pod("penguin-1")
    lines = []
    for line in first.stdout or ():
        lines.append(line)
        if re.search(r"Trial \d+ completed \(3 of 8\)", line):
            process_1 = processes.descendants(first.pid)[0]
            os.kill(process_1, signal.SIGTERM)
    log = "".join(lines)
    assert first.wait() != 0, log
    assert "SIGTERM: running trials have 30 seconds" in log
    assert "run the same search again to go on" in log
    assert not (output / "best_hyperparameters").exists()
    done = len(re.findall(r"Trial \d+ completed", log))
    assert 3 <= done <= 5

    second, output = pod("penguin-2")
    log, _ = second.communicate()
    assert second.returncode == 0, log
    assert len(re.findall(r"Trial \d+ completed", log)) == 8 - done
    results = load_tuner_results(output / "tuner_results")
    assert sorted(trial.trial_id for trial in results) == list("01234567")
    best = load_best_hyperparameters(output / "best_hyperparameters")
    assert best.values == results[0].hyperparameters


@pytest.fixture
def damaged(
    compiled: Compiled, tmp_path: Path
) -> Callable[[Callable[..., None]], Path]:
    """Copies the compiled pipeline with a change."""

    def copy(change: Callable[..., None]) -> Path:
        spec = yaml.safe_load(compiled.tuning.read_text())
        change(spec)
        file = tmp_path / "changed.yaml"
        file.write_text(yaml.safe_dump(spec))
        return file

    return copy


def _container(spec: Any) -> Any:
    return spec["deploymentSpec"]["executors"]["Tuner_executor"]["container"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda spec: _container(spec).update(env=[{"name": "A", "value": "b"}]),
            "container: env",
        ),
        (
            lambda spec: spec["root"]["dag"]["tasks"]["Tuner"].update(
                triggerPolicy={"condition": "false"}
            ),
            "task: trigger_policy",
        ),
        (
            lambda spec: _container(spec)["args"].append("{{$.pipeline_root}}"),
            "a placeholder",
        ),
    ],
    ids=["field of the container", "field of the task", "placeholder"],
)
def test_harness_refuses_what_it_does_not_know(
    damaged: Callable[[Callable[..., None]], Path],
    change: Callable[..., None],
    message: str,
) -> None:
    """A test would pass though the cluster did something else."""
    with pytest.raises(UnknownFieldError, match=message):
        CompiledTask(damaged(change), "Tuner").command({})


@pytest.mark.slow
def test_harness_tells_what_kfp_local_tells(runs: Runs, compiled: Compiled) -> None:
    """What the harness finds out would say nothing about a run."""
    told = runs.tuning.attempts("Tuner")[-1].executor_input
    task = CompiledTask(compiled.tuning, "Tuner")
    again = task.executor_input(
        Path(told["outputs"]["outputFile"]).parent,
        told["inputs"]["artifacts"],
        {"tune_args": told["inputs"]["parameterValues"]["tune_args"]},
    )
    for artifacts in told["outputs"]["artifacts"].values():
        del artifacts["artifacts"][0]["metadata"]
    assert again == told
