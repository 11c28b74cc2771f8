"""The penguin pipelines, compiled as a user does and run with kfp.local: once for all.

Not a cluster: kfp.local reads the compiled file and runs each container's command in
order on this machine, equal ones once. docs/kubeflow.md lists what that leaves out.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import keras_tuner
import pytest

from tests.kubeflow import support
from tests.kubeflow.support import IMAGE, LocalRun, kfp_python
from tests.support import processes
from tests.support.penguin import ROOT


class Runs(NamedTuple):
    """Both pipelines, run to their ends.

    Attributes:
        tuning: With a Tuner whose first container is killed in the middle of its search.
        importing: With `hyperparameters`.
        hyperparameters: The directory that was imported.
    """

    tuning: LocalRun
    importing: LocalRun
    hyperparameters: Path


class Compiled(NamedTuple):
    """What the compiler wrote.

    Attributes:
        root: What it was given as pipeline root.
        tuning: The pipeline with a Tuner.
        importing: The pipeline with an importer.
    """

    root: Path
    tuning: Path
    importing: Path


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """The files that `pipeline_kubeflow` writes, of spec 2.1."""
    directory = tmp_path_factory.mktemp("compiled")
    root = directory / "root"
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "examples.penguin.pipeline_kubeflow"),
            *("--root", root, "--local-root", "--image", IMAGE),
            *("--data", ROOT / "examples" / "penguin" / "data"),
            *("--output-dir", directory),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        kfp_python()  # is made meanwhile
        output, _ = process.communicate()
    assert process.returncode == 0, output
    return Compiled(
        root, directory / "penguin.yaml", directory / "penguin-importer.yaml"
    )


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the process listens that has imported what nodes need."""
    with support.interpreter(tmp_path_factory.mktemp("nodes") / "i") as address:
        yield address


@pytest.fixture(scope="session")
def runs(
    compiled: Compiled, interpreter: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runs]:
    """Both pipelines at a time, as there are two cores."""
    directory = tmp_path_factory.mktemp("kubeflow")
    saved = saved_hyperparameters(directory / "saved")
    importing = LocalRun(
        compiled.importing,
        directory / "importing",
        {"hyperparameters": str(saved)},
        compiled.root,
        interpreter,
    )
    tuning = LocalRun(
        compiled.tuning,
        directory / "tuning",
        {"tune_args": json.dumps({"num_parallel_trials": 2})},
        compiled.root,
        interpreter,
    )
    try:
        reader = threading.Thread(target=lambda: list(importing.follow()))
        reader.start()
        _kill_tuner_once(tuning)
        reader.join()
        yield Runs(tuning, importing, saved)
    finally:
        for run in (importing, tuning):
            run.close()


def saved_hyperparameters(directory: Path) -> Path:
    """What somebody edited by hand: values that no trial has.

    Args:
        directory: Is made for it.
    """
    hp = keras_tuner.HyperParameters()
    hp.Int("layers", 1, 3)
    hp.Int("units", 8, 64, step=8)
    hp.Float("dropout", 0.0, 0.5, step=0.1)
    hp.Float("learning_rate", 1e-4, 3e-2, sampling="log")
    hp.values |= {"layers": 1, "units": 56, "dropout": 0.1, "learning_rate": 0.02}
    directory.mkdir()
    (directory / "best_hyperparameters.txt").write_text(json.dumps(hp.get_config()))
    return directory


def _kill_tuner_once(run: LocalRun) -> None:
    """Follows a run to its end; kills the Tuner when its third trial has completed."""
    killed = False
    for line in run.follow():
        if not killed and re.search(r"Trial \d+ completed \(3 of 8\)", line):
            for pid in processes.descendants(run.process.pid):
                command = Path(f"/proc/{pid}/cmdline").read_text()
                if "tuner_component.executor.Executor" in command:
                    os.kill(pid, signal.SIGKILL)
            killed = True
