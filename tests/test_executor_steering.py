"""A pipeline's search is steered by who looks at it, in process and with workers."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.support import fork_servers, processes
from tests.support.steering import until
from tuner_component import load_best_hyperparameters, load_study
from tuner_component.cli.main import main
from tuner_component.report.record import StudyRecord

pytestmark = pytest.mark.slow  # Once, a fork server imports TensorFlow and TFX.

# Each trial trains for hours, unless somebody stops it.
MODULE = """
import keras
import keras_tuner
import numpy as np
from tuner_component import TunerFnResult

X = np.linspace(-1.0, 1.0, 64).reshape(32, 2)
Y = X.sum(axis=1)

def build(hp):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    rate = hp.Float("rate", 1e-4, 0.1, sampling="log")
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model

def tuner_fn(fn_args):
    tuner = keras_tuner.RandomSearch(
        build, objective="val_loss", max_trials=8, directory=fn_args.working_dir
    )
    fit = {"x": X, "y": Y, "validation_data": (X, Y), "epochs": 9**9, "verbose": 0}
    return TunerFnResult(tuner=tuner, fit_kwargs=fit)
"""


@pytest.fixture(name="executors", scope="module")
def _executors() -> Iterator[processes.Executors]:
    executors = processes.Executors("tuner_component.executor", fresh=False)
    with contextlib.closing(executors):
        yield executors


def execute(run: Run) -> None:
    """With a fork server that is forked from this process, which has TFX."""
    fork_servers.sow()
    run()


class Steered:
    """A search that runs, and somebody with a terminal."""

    def __init__(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        self._above = run.root / "studies"
        self._capsys = capsys

    @property
    def directory(self) -> Path:
        (only,) = self._above.iterdir()
        return only

    def study(self) -> StudyRecord | None:
        if not list(self._above.glob("*/study.json")):
            return None
        return load_study(str(self.directory))

    def training(self, *trials: str) -> None:
        """Waits until these trials run, and no others."""

        def are_running() -> bool:
            study = self.study()
            known = [] if study is None else study.with_status("RUNNING")
            return [t.trial_id for t in known if t.started] == list(trials)

        until(are_running)

    def ask(self, command: str, *words: str) -> dict[str, Any]:
        """Has the command ask the search, and returns what it printed."""
        self._capsys.readouterr()
        code = main([command, str(self.directory), *words, "--json", "--wait", "100"])
        told: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        assert code == (1 if told["state"] == "refused" else 0), told
        return told


@pytest.mark.parametrize("workers", [None, 2])
def test_pipelines_search_is_steered(
    run: Run,
    executors: processes.Executors,
    capsys: pytest.CaptureFixture[str],
    workers: int | None,
) -> None:
    """Only searches of the command line could be, or only those with workers."""
    parallel = {} if workers is None else {"num_parallel_trials": workers}
    tune_args = {"study_dir": str(run.root / "studies"), **parallel}
    run.module(MODULE).exec_properties["tune_args"] = json.dumps(tune_args)
    steered = Steered(run, capsys)
    executor = executors.start(execute, run)
    steered.training(*"01"[: workers or 1])
    first = steered.ask("enqueue", "rate=0.05")
    assert first["state"] == "done" and first["values"] == {"rate": 0.05}
    assert steered.ask("enqueue", "rate=5")["state"] == "refused"
    assert steered.ask("stop", "0")["state"] == "done"
    steered.training(*(("1",) if workers is None else ("1", "2")))
    resized = steered.ask("workers", "3")
    if workers is None:
        assert resized["state"] == "refused" and "in this process" in resized["message"]
    else:
        assert resized["state"] == "done"
        steered.training("1", "2", "3")
    assert steered.ask("stop")["state"] == "done"
    executor.result(180)
    published = load_study(run.tuner_results_dir)
    assert published.status == "finished"
    assert published.ended_because is not None
    assert published.ended_because.startswith("Stopped by request by ")
    rules = {t.stopped.rule for t in published.completed if t.stopped}
    assert rules == {"request"} and len(published.completed) == len(published.trials)
    kinds = [one.kind for one in published.requests]
    some = ["enqueue", "stop_trial", *(["workers"] if workers else []), "stop_search"]
    assert kinds == some
    tried = published.requests[0].trial
    assert tried is not None and published[tried].hyperparameters == {"rate": 0.05}
    assert load_best_hyperparameters(run.best_hyperparameters_dir).values
    # Run again it stays as it is.
    executors.start(execute, run).result(180)
    assert load_study(run.tuner_results_dir).trials == published.trials
    # Unless somebody wants more.
    assert main(["resume", str(steered.directory)]) == 0
    executor = executors.start(execute, run)
    until(
        lambda: len((s := steered.study()) and s.trials or ()) > len(published.trials)
    )
    assert steered.ask("stop")["state"] == "done"
    executor.result(180)
    assert len(load_study(run.tuner_results_dir).trials) > len(published.trials)


def test_command_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each mistake would end in a traceback, or in a request that nobody sees."""
    assert main(["stop", str(tmp_path)]) == 2
    assert "Expected a study at" in capsys.readouterr().err
