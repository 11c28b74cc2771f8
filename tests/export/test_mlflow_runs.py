"""A study as runs of MLflow, in a store of files and on a real server."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report import test_confirmation
from tests.support import environments, studies
from tuner_component.export import mlflow_names, mlflow_runs
from tuner_component.report.record import StudyRecord


def runs(uri: str, experiment: str = "tuner_component") -> dict[str, Any]:
    """The runs of an experiment by trial; that of the study is "study"."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    page = client.search_runs([found.experiment_id], max_results=1000)
    by_trial = [(run.data.tags.get(mlflow_names.TRIAL, "study"), run) for run in page]
    assert len(dict(by_trial)) == len(by_trial)  # None is there twice.
    return dict(by_trial)


def check(study: StudyRecord, uri: str) -> None:
    """That MLflow has what the record has."""
    from mlflow import MlflowClient

    found = runs(uri)
    parent = found.pop("study")
    assert parent.info.status == "FINISHED"
    assert found.keys() == {trial.trial_id for trial in study}
    for trial in study:
        run = found[trial.trial_id]
        completed = trial.status == "COMPLETED"
        assert run.info.status == ("FINISHED" if completed else "FAILED")
        given = {name: str(v) for name, v in trial.hyperparameters.items()}
        assert run.data.params == given
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.data.metrics.get("best/val_loss") == trial.score
        assert run.info.start_time == int((trial.started or 0) * 1000)
        assert run.info.end_time == int((trial.ended or 0) * 1000)
    first = study.trials[0]
    history = MlflowClient(uri).get_metric_history(
        found[first.trial_id].info.run_id, "val_loss"
    )
    curve = [(metric.step, metric.value) for metric in history]
    assert curve == list(enumerate(first.executions[0]["val_loss"]))


def test_mlflow_has_what_the_record_has(store: str) -> None:
    """People would compare other numbers there than here."""
    study = studies.big_study(12)
    assert mlflow_runs.export(study, store) == 12
    check(study, store)
    assert mlflow_runs.export(study, store) == 0
    check(study, store)


def test_new_trials_are_added_and_retried_ones_replaced(store: str) -> None:
    """A search that goes on would be there twice, or stay as it was."""
    text = "Traceback (most recent call last):\nValueError: no"
    begun = [
        *(studies.created("0"), studies.failed("0", text)),
        *(studies.created("1"), studies.ended("1")),
        studies.created("2"),
    ]
    assert mlflow_runs.export(studies.study(*begun, status="running"), store) == 2
    assert runs(store)["study"].info.status == "RUNNING"
    assert runs(store)["0"].data.tags["tuner_component.cause"] == "ValueError: no"
    record = studies.study(*begun, studies.ended("2"))
    again = dataclasses.replace(
        record.trials[1], trial_id="0", score=0.25, status="COMPLETED"
    )
    record = dataclasses.replace(record, trials=[again, *record.trials[1:]])
    assert mlflow_runs.export(record, store) == 2
    found = runs(store)
    assert found["0"].data.metrics["best/val_loss"] == 0.25
    assert found["study"].info.status == "FINISHED"


def test_reruns_are_brought(store: str) -> None:
    """What decides over the best trial would be in the record alone."""
    study = test_confirmation.confirmed(b=(0.3, None))
    assert mlflow_runs.export(study, store) == 7
    assert mlflow_runs.export(study, store) == 0
    found = runs(store)
    assert found["10001"].info.run_name == "trial 1, re-run 1"
    assert found["20001"].info.status == "FAILED"
    assert found["20001"].data.tags["tuner_component.confirms"] == "1"
    for trial in ("study", "0"):
        metrics = found[trial].data.metrics
        assert metrics["confirmed/mean"] == 0.6
        assert metrics["confirmed/spread"] == pytest.approx(0.02**0.5)
    assert "confirmed/mean" not in found["1"].data.metrics


def test_experiment_is_the_users(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All searches of a company would be in one place."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "digits")
    mlflow_runs.export(studies.big_study(2), store)
    assert len(runs(store, "digits")) == 3


def test_two_searches_may_make_the_experiment(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that begin at once, one would be told to nobody."""
    from mlflow import MlflowClient

    get = MlflowClient.get_experiment_by_name

    def before_the_other(client: Any, name: str) -> Any:
        found = get(client, name)
        if found is None:
            client.create_experiment(name)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "get_experiment_by_name", before_the_other)
        assert mlflow_runs.export(studies.big_study(2), store) == 2
    assert len(runs(store)) == 3


def test_any_name_and_number_is_taken(store: str) -> None:
    """One odd name would keep a whole search out."""
    odd = {"a/b": 1, "tuner/epochs": 2, "ü [1] {x}=y": "z" * 9999, "../..": 3, "": 4}
    many = {f"p{i}": i for i in range(250)}
    curve = [{"val_loss": [0.5, None, 0.25], "../x": [1.0, float("nan"), float("inf")]}]
    told = studies.ended("0", values={**odd, **many}, curves=curve)
    study = studies.study(studies.created("0"), told)
    assert mlflow_runs.export(study, store) == 1
    run = runs(store)["0"]
    assert len(run.data.params) == 255
    assert run.data.metrics["val_loss"] == 0.25 and run.data.metrics["x"] == 1.0


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "foo://x"])
def test_what_does_not_answer_is_explained_at_once(uri: str) -> None:
    """MLflow tries for minutes, and then shows a stack trace."""
    pytest.importorskip("mlflow")
    with pytest.raises(ValueError, match="^Expected MLflow to take the study at"):
        mlflow_runs.export(studies.study(), uri)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real server of MLflow's, on a port of this machine's own address; its URI."""
    mlflow = pytest.importorskip("mlflow")
    python = environments.interpreter("mlflow", [f"mlflow=={mlflow.__version__}"])
    backend = f"sqlite:///{tmp_path / 'mlflow.db'}"
    command = [str(python), "-m", "mlflow", "server", "--backend-store-uri", backend]
    command += ["--host", "127.0.0.1", "--port", "0", "--workers", "1"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "MLFLOW_DISABLE_TELEMETRY": "1"},
        start_new_session=True,
    )
    assert process.stdout is not None
    said, address = "", None
    for line in process.stdout:
        said += line
        if address := re.search(r"running on (http://127\.0\.0\.1:[1-9]\d*)", line):
            break
    assert address, said
    yield address[1]
    os.killpg(process.pid, 15)
    process.communicate()


@pytest.mark.on_demand
@pytest.mark.slow
def test_real_server_takes_a_study(server: str) -> None:
    """What the client takes might still be nothing that a server can store."""
    study = studies.big_study(12)
    assert mlflow_runs.export(study, server) == 12
    check(study, server)
    assert mlflow_runs.export(study, server) == 0
