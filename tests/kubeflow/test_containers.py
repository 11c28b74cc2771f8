"""The compiled pipelines, executed by kfp.local in containers, where podman works.

    podman build --tag penguin:1 .
    TEST_CONTAINERS=penguin:1 python -m pytest tests/kubeflow/test_containers.py

Not part of every run: the image takes minutes to build, and gigabytes. Without a network,
as the image's own user, with the pipeline root mounted and the data read-only.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.kubeflow import containers
from tests.kubeflow.conftest import Compiled, saved_hyperparameters
from tests.kubeflow.support import IMAGE, LocalRun, pipeline_of_one
from tuner_component import load_tuner_results

BUILT = os.environ.get("TEST_CONTAINERS", "")

# Asked here, not in a fixture: those of the session would be made before it.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not BUILT, reason="no image: build the Dockerfile, name it in TEST_CONTAINERS"
    ),
]


@pytest.fixture(scope="module")
def engine() -> Iterator[Mapping[str, str]]:
    """A container engine that has the image."""
    with contextlib.ExitStack() as stack:
        try:
            environment = stack.enter_context(containers.engine(BUILT, IMAGE))
        except containers.NoContainersError as error:
            pytest.skip(f"no containers here: {error}")
        yield environment


@pytest.fixture(scope="module")
def root(compiled: Compiled) -> Path:
    """What the compiled files take for their root, for whoever the image runs as."""
    compiled.root.chmod(0o777)
    return compiled.root


def test_image_is_as_pods_want_it(engine: Mapping[str, str]) -> None:
    """A cluster that forbids root refuses it, or each step compiles all it imports."""
    look = (
        "import os, sys, pip, tensorflow as tf, tuner_component;"
        "print(os.getuid(), os.access(os.environ['HOME'], os.W_OK), sys.prefix);"
        "print(all(os.path.exists(m.__cached__) for m in (pip, tf, tuner_component)))"
    )
    printed = containers.in_container(engine, IMAGE, "python", "-c", look)
    assert printed.splitlines() == ["1000 True /opt/venv", "True"]


def test_container_that_exits_with_3_fails_the_run(
    engine: Mapping[str, str], tmp_path: Path
) -> None:
    """kfp.local, as it comes, reports it as a success."""
    file = pipeline_of_one(tmp_path, ["sh", "-c", "exit 3"])
    (tmp_path / "root").mkdir()
    run = LocalRun(file, tmp_path / "run", {}, tmp_path / "root", engine)
    with contextlib.closing(run):
        for _ in run.follow():
            pass
    assert "Inner task failed" in (run.error() or "")
    assert [attempt.status for attempt in run.attempts()] == [3]


def test_pipeline_runs_though_its_tuner_is_killed(
    engine: Mapping[str, str], compiled: Compiled, root: Path, tmp_path: Path
) -> None:
    """It would rely on the machine that compiled it, on a network, or on being root."""
    run = LocalRun(compiled.tuning, tmp_path / "run", {}, root, engine)
    killed = False
    with contextlib.closing(run):
        for line in run.follow():
            if not killed and re.search(r"Trial \d+ completed \(3 of 8\)", line):
                running = ("ps", "--quiet", f"--filter=ancestor={IMAGE}")
                (tuner,) = containers.podman(engine, *running).split()
                containers.podman(engine, "kill", tuner)
                killed = True
    assert run.error() is None, run.output
    assert [a.status for a in run.attempts("Tuner")] == [128 + 9, 0]
    check_ends(run)
    results = load_tuner_results(run.attempts("Tuner")[-1].uri("tuner_results"))
    assert sorted(trial.trial_id for trial in results) == list("01234567")
    counts = re.findall(r"Trial \d+ completed \((\d+) of 8\)", run.output)
    assert counts == [str(n + 1) for n in range(len(counts))] and len(counts) == 8


def test_pipeline_imports_hyperparameters(
    engine: Mapping[str, str], compiled: Compiled, root: Path, tmp_path: Path
) -> None:
    """What was edited would be read on the machine that compiled, or nowhere."""
    saved = saved_hyperparameters(root / "saved")
    run = LocalRun(
        compiled.importing,
        tmp_path / "run",
        {"hyperparameters": str(saved)},
        root,
        engine,
    )
    with contextlib.closing(run):
        for _ in run.follow():
            pass
    assert run.error() is None, run.output
    check_ends(run)
    (trainer,) = run.attempts("Trainer")
    told = trainer.executor_input["inputs"]["artifacts"]["hyperparameters"]
    assert [artifact["uri"] for artifact in told["artifacts"]] == [str(saved)]


def check_ends(run: LocalRun) -> None:
    """Each task but a killed one has handed something over, to the last."""
    assert run.attempts()[-1].task == "Pusher"
    for attempt in run.attempts():
        if attempt.status == 0:
            assert attempt.output()["artifacts"]
