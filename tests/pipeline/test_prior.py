"""Searches of a pipeline begin with what earlier ones found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tfx.types import standard_artifacts

from tests.conftest import Run
from tuner_component import load_tuner_results
from tuner_component.pipeline import prior
from tuner_component.report.record import StopRecord, StudyRecord, TrialRecord

BEST = {
    "space": [
        {
            "class_name": "Float",
            "config": {
                "name": "x",
                "default": -1.0,
                "conditions": [],
                "min_value": -1.0,
                "max_value": 1.0,
                "step": None,
                "sampling": "linear",
            },
        }
    ],
    "values": {"x": 0.75},
}


def results(directory: Path, *rows: tuple[float, float]) -> Any:
    directory.mkdir()
    trials = [
        {"trial_id": str(n), "score": score, "x": x}
        for n, (score, x) in enumerate(rows)
    ]
    (directory / "tuner_results.json").write_text(json.dumps(trials))
    artifact = standard_artifacts.TunerResults()
    artifact.uri = str(directory)
    return artifact


def hyperparameters(directory: Path) -> Any:
    directory.mkdir()
    (directory / "best_hyperparameters.txt").write_text(json.dumps(BEST))
    artifact = standard_artifacts.HyperParameters()
    artifact.uri = str(directory)
    return artifact


def test_given_points_come_before_the_best_of_each_search(tmp_path: Path) -> None:
    """The worst of one search would be tried before the best of another."""
    inputs = {
        "initial_hyperparameters": [hyperparameters(tmp_path / "given")],
        "prior_results": [
            results(tmp_path / "a", *[(n, n / 10) for n in range(5)]),
            results(tmp_path / "b", (7, 0.7)),
        ],
    }
    known = prior.known(inputs)
    assert [point["x"] for point in known.points] == [0.75, 0.0, 0.7, 0.1, 0.2]
    assert len(known.results) == 6


def test_what_was_stopped_in_an_earlier_search_is_no_result(tmp_path: Path) -> None:
    """A trial's best epoch would count like what others came to in the end."""
    artifact = results(tmp_path / "a", (0, 0.0), (1, 0.1), (2, 0.2))
    trials = [
        TrialRecord("0", "COMPLETED", {"x": 0.0}, score=0),
        TrialRecord(
            "1",
            "COMPLETED",
            {"x": 0.1},
            score=1,
            stopped=StopRecord("asha", fit=0, epoch=2),
        ),
        TrialRecord(
            "2",
            "COMPLETED",
            {"x": 0.2},
            score=2,
            stopped=StopRecord("patience", fit=0, epoch=5),
        ),
    ]
    record = tmp_path / "a" / "study.json"
    record.write_text(StudyRecord("study", "finished", trials=trials).to_json())
    known = prior.known({"prior_results": [artifact]})
    assert [stopped_after for *_, stopped_after in known.results] == [None, 3, None]


def test_a_record_that_cannot_be_read_is_said(tmp_path: Path, caplog: Any) -> None:
    """Results that can be read would be lost with it."""
    artifact = results(tmp_path / "a", (0, 0.0))
    (tmp_path / "a" / "study.json").write_text("{")
    known = prior.known({"prior_results": [artifact]})
    assert known.results == (({"x": 0.0}, 0.0, None),)
    assert "stopped is not known" in caplog.text


def test_without_inputs_nothing_is_known() -> None:
    """Pipelines that do not connect them would fail."""
    assert prior.known({}) == prior.known({"prior_results": []}) == prior.Known()


@pytest.mark.parametrize("key", ["prior_results", "initial_hyperparameters"])
def test_the_input_reaches_the_search(toy_run: Run, tmp_path: Path, key: str) -> None:
    """It could be connected, and would change nothing."""
    artifact = (
        results(tmp_path / "given", (1.0, 0.75))
        if key == "prior_results"
        else hyperparameters(tmp_path / "given")
    )
    toy_run.input_dict[key] = [artifact]
    toy_run()
    trials = load_tuner_results(toy_run.tuner_results_dir)
    # The first trial of this tuner finds out that there is an x.
    [second] = [trial for trial in trials if int(trial.trial_id) == 1]
    assert second.hyperparameters["x"] == 0.75


@pytest.mark.slow
def test_the_input_reaches_workers(toy_run: Run, tmp_path: Path) -> None:
    """It would work in process only."""
    toy_run.input_dict["prior_results"] = [results(tmp_path / "given", (1.0, 0.75))]
    toy_run.exec_properties["tune_args"] = json.dumps({"num_parallel_trials": 1})
    toy_run()
    trials = load_tuner_results(toy_run.tuner_results_dir)
    # The first trial of this tuner finds out that there is an x.
    [second] = [trial for trial in trials if int(trial.trial_id) == 1]
    assert second.hyperparameters["x"] == 0.75


def test_what_is_no_result_is_said(toy_run: Run, tmp_path: Path) -> None:
    """The component would end with a bare stack trace."""
    artifact = results(tmp_path / "given", (1.0, 0.75))
    (tmp_path / "given" / "tuner_results.json").write_text("[{}]")
    toy_run.input_dict["prior_results"] = [artifact]
    with pytest.raises(ValueError, match="Expected each trial in .*tuner_results.json"):
        toy_run()
