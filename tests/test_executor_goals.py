"""The executor with several objectives and constraints, in process and with workers."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Run
from tests.support import crashes, fork_servers, processes
from tests.support.reports import data_of, sentences_of
from tuner_component import (
    load_best_hyperparameters,
    load_study,
    load_tuner_results,
)
from tuner_component.cli.main import main
from tuner_component.report.record import StudyRecord

# A network's size beside its loss, as docs/searches.md shows it.
MODULE = """
    import keras
    import keras_tuner
    import numpy as np
    from tuner_component import TunerFnResult

    X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    Y = np.sin(X.sum(axis=1, keepdims=True))


    class ReportSize(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["size"] = float(self.model.count_params())


    def build(hp):
        units = hp.Int("units", 1, 64)
        model = keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(units, "relu"), keras.layers.Dense(1)]
        )
        model.compile(keras.optimizers.Adam(hp.Choice("lr", [0.1, 0.01])), "mse")
        return model


    def tuner_fn(fn_args):
        tuner = keras_tuner.RandomSearch(
            build,
            objective=["val_loss", keras_tuner.Objective("size", "min")],
            max_trials=6,
            seed=3,
            directory=fn_args.working_dir,
            project_name="sizes",
        )
        fit_kwargs = {
            "x": X, "y": Y, "validation_split": 0.25, "epochs": 2, "batch_size": 64, "verbose": 0,
            "callbacks": [ReportSize()],
        }
        return TunerFnResult(tuner=tuner, fit_kwargs=fit_kwargs)
"""


def ask(run: Run, **tune_args: Any) -> Run:
    """Has the executor look for a front."""
    args = {"pareto": True, "seed": 1, "skip_preflight": True, **tune_args}
    run.exec_properties["tune_args"] = json.dumps(args)
    return run


def front_of(study: StudyRecord) -> set[str]:
    """Ids of the trials of a front, by its definition."""
    known = {
        t.trial_id: (t.metrics["val_loss"], t.metrics["size"]) for t in study.completed
    }
    allowed = {
        trial_id: point
        for trial_id, point in known.items()
        if not study.constraints or point[1] <= 200
    }
    return {
        trial_id
        for trial_id, (loss, size) in allowed.items()
        if not any(
            other[0] <= loss and other[1] <= size and other != (loss, size)
            for other in allowed.values()
        )
    }


def check_published(run: Run) -> StudyRecord:
    """The front is published, and all that is published agrees."""
    study = load_study(run.tuner_results_dir)
    assert len(study.completed) == 6
    assert set(study.front) == front_of(study)
    rows = load_tuner_results(run.tuner_results_dir)
    assert [row.trial_id for row in rows] == [t.trial_id for t in study.completed]
    assert [row.trial_id for row in rows][: len(study.front)] == list(study.front)
    best = load_best_hyperparameters(run.best_hyperparameters_dir)
    assert best.values == rows[0].hyperparameters
    for trial in study.completed:
        (curves,) = trial.executions
        assert trial.best_step is not None
        for name in ("val_loss", "size"):  # Of one epoch, whose weights are kept.
            assert trial.metrics[name] == curves[name][trial.best_step]
    return study


def weights(run: Run) -> set[str]:
    """The trials that have weights."""
    paths = run.root.rglob("trial_*/checkpoint.weights.h5")
    return {path.parent.name.removeprefix("trial_") for path in paths}


def test_a_front_is_published(run: Run) -> None:
    """A list of objectives would be their sum, of parameters and losses."""
    ask(run.module(MODULE))()
    study = check_published(run)
    assert len(study.front) > 1 and study.shortfall is None
    assert set(study.front) <= weights(run)
    (results,) = run.output_dict["tuner_results"]
    assert results.get_int_custom_property("goals_met") == 1
    assert results.get_int_custom_property("front_trials") == len(study.front)
    report = (run.tuner_results_dir / "report.html").read_text()
    assert data_of(report)["title"].startswith("Minimize val_loss and minimize size")
    assert "front" in data_of(report)["figures"]


def test_the_search_auto_looks_for_the_front(run: Run) -> None:
    """It would look for the smallest sum of losses and sizes."""
    ask(run.module(MODULE), search="auto", constraints=["size<=200"])()
    study = check_published(run)
    assert study.constraints == ["size <= 200"]
    assert study.best is not None and study.best.metrics["size"] <= 200
    assert "Chebyshev" in study.decisions[-1]


def test_optuna_looks_for_the_front(run: Run) -> None:
    """Its sampler would be told the sum, or refuse several objectives."""
    ask(run.module(MODULE), search="tpe", constraints=["size <= 200"])()
    check_published(run)


def test_what_comes_closest_is_published_loudly(
    run: Run, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A whole search would be lost, or a result taken for one that it is not."""
    ask(run.module(MODULE), constraints=["size <= 1"])()
    study = load_study(run.tuner_results_dir)
    assert not study.front and study.shortfall is not None
    assert study.best is not None
    sizes = [trial.metrics["size"] for trial in study.completed]
    assert study.best.metrics["size"] == min(sizes)
    (errors,) = {r.message for r in caplog.records if r.levelno == logging.ERROR}
    assert study.shortfall in errors
    (results,) = run.output_dict["tuner_results"]
    assert results.get_int_custom_property("goals_met") == 0
    report = (run.tuner_results_dir / "report.html").read_text(encoding="utf-8")
    assert "It is not what was looked for" in sentences_of(report)
    capsys.readouterr()
    assert main(["best", "--format", "json", str(run.tuner_results_dir)]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out) == dict(study.best.hyperparameters)
    assert study.shortfall in err


def test_a_metric_that_no_trial_reports_is_said_at_once(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """A typing error would show after the search, in a result without a reason."""
    ask(run.module(MODULE), constraints=["siez <= 200"])()
    told = [r for r in caplog.records if "siez" in r.message]
    assert [r.levelno for r in told] == [logging.WARNING, logging.ERROR]
    assert "'size'" in told[0].message
    assert len(load_study(run.tuner_results_dir).completed) == 6


def test_a_front_of_one_objective_is_refused(run: Run) -> None:
    """Nobody would know that there is no front to be had."""
    one = MODULE.replace(
        '["val_loss", keras_tuner.Objective("size", "min")]', '"val_loss"'
    )
    with pytest.raises(ValueError, match="several objectives with pareto.*'val_loss'"):
        ask(run.module(one))()


def test_a_constraint_holds_for_one_objective(run: Run) -> None:
    """The best trial would be taken whatever its size."""
    one = MODULE.replace(
        '["val_loss", keras_tuner.Objective("size", "min")]', '"val_loss"'
    )
    ask(run.module(one), pareto=False, constraints=["size <= 200"])()
    study = load_study(run.tuner_results_dir)
    sizes = [trial.metrics["size"] for trial in study.completed]
    meets = [size <= 200 for size in sizes]
    assert meets == sorted(meets, reverse=True) and meets[0] and not meets[-1]
    assert load_tuner_results(run.tuner_results_dir)[0].trial_id == (
        study.completed[0].trial_id
    )


def test_a_killed_search_finds_the_same_front(run: Run) -> None:
    """A crash would change what is published."""
    ask(run.module(MODULE))()
    expected = load_study(run.tuner_results_dir)
    ask(run, study_dir=str(run.root / "another"))
    for kill in ("trial.ended.after:2", "trial.created.after:2"):
        assert not crashes.run(run, kill)
    run()
    study = check_published(run)
    assert study.front == expected.front
    assert [t.metrics for t in study.trials] == [t.metrics for t in expected.trials]


@pytest.fixture(scope="module")
def _executors() -> Iterator[processes.Executors]:
    executors = processes.Executors("tuner_component.executor", fresh=False)
    with contextlib.closing(executors):
        yield executors


def _execute(run: Run) -> None:
    fork_servers.sow()
    run()


@pytest.mark.slow
@pytest.mark.parametrize("stopping", [{}, {"rule": "ASHA"}])
def test_workers_find_a_front(
    run: Run, _executors: processes.Executors, stopping: dict[str, Any]
) -> None:
    """Parallel trials would be compared by the sum."""
    ask(run.module(MODULE), num_parallel_trials=2, stopping=stopping)
    _executors.start(_execute, run).result(180)
    check_published(run)
