"""Trials that a rule stops are results, also with a training loop of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import pytest

from tests.support import processes, scripts, simulation
from tests.support.keras_trials import DATA, build
from tuner_component import report_epoch
from tuner_component.search.in_process.run import run_in_process
from tuner_component.search.options import SearchOptions, StoppingOptions
from tuner_component.search.parallel.protocol import EntryPoint
from tuner_component.search.study.fingerprint import study_id
from tuner_component.search.study.history_reading import read_history
from tuner_component.search.study.study import Study
from tuner_component.search.study.trial_history import TrialHistory

PATIENCE = StoppingOptions("patience", patience=1)


class Worsen(keras.callbacks.Callback):  # type: ignore[misc]
    """Makes the objective worse from epoch to epoch, beginning with 2."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["val_loss"] = 2.0 + epoch


def search(directory: Path, cls: Any = keras_tuner.RandomSearch) -> list[TrialHistory]:
    tuner = cls(
        build,
        objective="val_loss",
        max_trials=1,
        seed=3,
        executions_per_trial=2,
        directory=directory / "work",
    )
    with Study.open(str(directory), simulation.FINGERPRINT) as study:
        fit = {**DATA, "epochs": 9, "callbacks": [Worsen()]}
        run_in_process(tuner, fit, study, SearchOptions(stopping=PATIENCE))
        return list(read_history(str(directory), study.id).trials.values())


@pytest.mark.slow
def test_a_stopped_trial_counts_with_its_best_epoch(tmp_path: Path) -> None:
    """It would be lost, or train its other executions for nothing."""
    [trial] = search(tmp_path)
    assert trial.ended is not None
    assert trial.ended["status"] == "COMPLETED"
    assert trial.ended["score"] == 2.0
    [curve] = trial.ended["curves"]
    assert curve["val_loss"] == [2.0, 3.0, 4.0]
    assert trial.ended["stopped"] == {"rule": "patience", "fit": 0, "epoch": 2}


@pytest.mark.slow
def test_a_run_trial_of_the_users_own_keeps_its_result(tmp_path: Path) -> None:
    """What a subclass makes of the executions would be skipped with them."""

    class Doubling(keras_tuner.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            histories = super().run_trial(trial, *args, **kwargs)
            return [2 * min(h.history["val_loss"]) for h in histories]

    [trial] = search(tmp_path, Doubling)
    assert trial.ended is not None
    assert trial.ended["score"] == 4.0
    assert [len(fit["val_loss"]) for fit in trial.ended["curves"]] == [3, 3]


def test_workers_are_told_to_stop(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """A rule would hold in process only, or for Keras models only."""
    (tmp_path / "work").mkdir()
    argument = json.dumps(["steps", str(tmp_path / "work")]).encode()
    options = SearchOptions(num_workers=2, stopping=PATIENCE)
    result = executors.start(
        scripts.search,
        EntryPoint("tests.support.tuners:make", argument),
        str(tmp_path / "study"),
        options,
    ).result()
    assert len(result.completed) == 4
    told = read_history(str(tmp_path / "study"), study_id(scripts.FINGERPRINT))
    for number, trial in enumerate(told.trials.values()):
        assert trial.ended is not None
        trained = len(trial.ended["curves"][0]["cost"])
        assert trained == (3 if number % 2 else 9)
        assert ("stopped" in trial.ended) == bool(number % 2)


def test_outside_of_a_trial_nothing_stops() -> None:
    """A module that reports would fail in the stock Tuner and in notebooks."""
    assert not report_epoch({"val_loss": 1.0})


@pytest.mark.parametrize("metrics", [3.0, {"val_loss": "low"}, {"val_loss": None}])
def test_what_is_no_metric_is_refused(metrics: Any) -> None:
    """A rule would have nothing to decide on, and not say so."""
    with pytest.raises(TypeError, match="Expected metrics to be a dictionary"):
        report_epoch(metrics)
