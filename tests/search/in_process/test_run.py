"""Searches in process are as durable as any."""

import errno
import json
import math
import os
import signal
import unittest.mock
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import pytest
from keras_tuner.engine import base_tuner

from tests.search.conftest import Mount
from tests.support import crashes, simulation, tuners
from tuner_component.oracles import AutoOracle
from tuner_component.planner import convergence
from tuner_component.search import events
from tuner_component.search.errors import (
    SearchFailedError,
    StorageError,
    StudyLockedError,
)
from tuner_component.search.in_process.run import run_in_process
from tuner_component.search.options import SearchOptions
from tuner_component.search.study.study import Study
from tuner_component.search.training.epoch_reports import report_epoch


class Calls:
    """Counts, over processes, how often trials were run."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "calls"

    def add(self, trial_id: str) -> None:
        with self.path.open("a") as file:
            file.write(trial_id + "\n")

    def read(self) -> list[str]:
        return self.path.read_text().split() if self.path.exists() else []


def score(hp: Any) -> float:
    x = hp.Float("x", -1.0, 1.0, step=0.125)
    kind = hp.Choice("kind", ["a", "b"])
    return (x - 0.25) ** 2 + (kind == "b")


def tuner_of(kind: str, root: Path, calls: Calls, die_after: int | None = None) -> Any:
    """A tuner of KerasTuner's whose trials train nothing; may kill its process."""

    class Untrained:
        def run_trial(self, trial: Any, offset: float = 0.0) -> Any:
            if die_after is not None and len(calls.read()) >= die_after:
                os.kill(os.getpid(), signal.SIGKILL)
            calls.add(trial.trial_id)
            return score(trial.hyperparameters) + offset

    base: Any = {
        "random": keras_tuner.RandomSearch,
        "grid": keras_tuner.GridSearch,
        "grid-limited": keras_tuner.GridSearch,
        "hyperband": keras_tuner.Hyperband,
    }[kind]
    settings: dict[str, Any] = {
        "random": {"max_trials": 8, "seed": 3},
        "grid": {},
        "grid-limited": {"max_trials": 8},
        "hyperband": {"max_epochs": 4, "factor": 2, "seed": 3},
    }[kind]
    if kind == "hyperband":  # It cannot begin with a space it does not know.
        settings["hyperparameters"] = keras_tuner.HyperParameters()
        score(settings["hyperparameters"])
    cls = type("UntrainedTuner", (Untrained, base), {})
    return cls(directory=str(root / "workdir"), project_name="project", **settings)


def run(kind: str, root: Path, calls: Calls, die_after: int | None = None) -> None:
    with Study.open(str(root / "study"), simulation.FINGERPRINT) as study:
        tuner = tuner_of(kind, root, calls, die_after)
        run_in_process(tuner, {"offset": 1.0}, study)


def outcome(root: Path) -> dict[str, Any]:
    return simulation.results(str(root / "study"))


@pytest.mark.parametrize("kind", ["random", "grid", "grid-limited", "hyperband"])
def test_killed_search_goes_on(tmp_path: Path, kind: str) -> None:
    """A killed pipeline would begin anew, or another search come out of it."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    assert crashes.run(lambda: run(kind, whole, Calls(whole)))
    calls = Calls(parts)
    for die_after in (0, 3, 5):
        assert not crashes.run(lambda n=die_after: run(kind, parts, calls, n))
        assert len(calls.read()) == die_after
    assert crashes.run(lambda: run(kind, parts, calls))
    assert outcome(parts) == outcome(whole)
    assert sorted(calls.read()) == sorted(Calls(whole).read())


def test_best_trials_are_there_after_the_search(tmp_path: Path) -> None:
    """Nothing could be published."""
    calls = Calls(tmp_path)
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        tuner = tuner_of("random", tmp_path, calls)
        run_in_process(tuner, {}, study)
    best = tuner.get_best_hyperparameters()[0]
    assert score(best) == tuner.oracle.get_best_trials()[0].score
    tuner.results_summary()


def test_finished_search_runs_nothing_and_knows_its_results(tmp_path: Path) -> None:
    """Publishing a finished search once more would train it again."""
    calls = Calls(tmp_path)
    run("random", tmp_path, calls)
    ran = len(calls.read())
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        assert study.is_finished
        tuner = tuner_of("random", tmp_path, calls)
        run_in_process(tuner, {}, study)
    assert len(calls.read()) == ran
    assert len(tuner.oracle.get_best_trials(None)) == 8


def test_trial_of_any_id_stays_in_its_study(tmp_path: Path) -> None:
    """A journal from elsewhere would delete and write files outside of the study."""
    victim = tmp_path / "victim" / "training"
    victim.mkdir(parents=True)
    (victim / "precious").touch()
    calls = Calls(tmp_path)
    tuner = tuner_of("random", tmp_path / "own", calls)
    tuner.oracle.max_trials = 3
    weights = []
    run_trial = tuner.run_trial

    def run_and_save(trial: Any, **kwargs: Any) -> Any:
        directory = Path(tuner.get_trial_dir(trial.trial_id))
        (directory / "checkpoint.weights.h5").touch()
        weights.append(directory)
        return run_trial(trial, **kwargs)

    tuner.run_trial = run_and_save
    study = tmp_path / "own" / "studies" / "study"
    with Study.open(str(study), simulation.FINGERPRINT) as opened:
        for trial_id in ("../../../../victim", str(tmp_path / "victim"), "a" * 300):
            created = {"kind": "created", "trial": trial_id, "time": 1.0, "space": "s"}
            opened.journal.append({**created, "values": {"x": 0.5, "kind": "a"}})
        opened.commit()
    with Study.open(str(study), simulation.FINGERPRINT) as opened:
        run_in_process(tuner, {}, opened)
    assert victim.exists()
    assert [path.name for path in victim.iterdir()] == ["precious"]
    assert [path.name for path in victim.parent.iterdir()] == ["training"]
    assert len(calls.read()) == 3
    project = tmp_path / "own" / "workdir" / "project"
    assert {path.parent for path in weights} == {project}
    inside = {path for path in tmp_path.rglob("*.h5")}
    assert all(path.parent.parent == project for path in inside)


def test_ends_of_datasets_are_not_waited_for(tmp_path: Path) -> None:
    """A search beside other work would stand still at the end of epochs."""
    made = tuners.make(json.dumps(["iterating", str(tmp_path)]).encode(), "in process")
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        run_in_process(made.tuner, made.fit_kwargs, study)
    assert not any(t.message for t in made.tuner.oracle.trials.values())


class Bare(base_tuner.BaseTuner):  # type: ignore[misc]
    """A tuner without Keras, like SklearnTuner: it models what it likes."""

    def run_trial(self, trial: Any, data: list[float]) -> dict[str, float]:
        x = trial.hyperparameters.Float("x", 0.0, 1.0)
        self.runs = getattr(self, "runs", 0) + 1
        return {"score": sum((x - d) ** 2 for d in data), "other": math.inf}

    def get_state(self) -> dict[str, Any]:
        return {"runs": getattr(self, "runs", 0)}

    def set_state(self, state: dict[str, Any]) -> None:
        self.runs = state["runs"]


def bare(root: Path, max_trials: int = 5) -> Bare:
    oracle = keras_tuner.oracles.RandomSearchOracle(
        simulation.OBJECTIVE, max_trials, seed=2
    )
    return Bare(oracle, directory=str(root / "workdir"), project_name="bare")


def test_tuner_without_keras(tmp_path: Path) -> None:
    """Only Keras models could be tuned durably."""
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        tuner = bare(tmp_path)
        run_in_process(tuner, {"data": [0.5, 0.6]}, study)
    assert len(tuner.oracle.get_best_trials(None)) == 5


def test_sklearn_tuner(tmp_path: Path) -> None:
    """Tuners of KerasTuner's for other libraries would fail."""
    linear_model = pytest.importorskip("sklearn.linear_model")

    def build(hp: Any) -> Any:
        return linear_model.Ridge(alpha=hp.Float("alpha", 1e-3, 10, sampling="log"))

    x = np.random.default_rng(1).normal(size=(40, 3))
    fit_kwargs = {"X": x, "y": x @ [1.0, 2.0, 3.0]}
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        oracle = keras_tuner.oracles.BayesianOptimizationOracle(
            keras_tuner.Objective("score", "max"), max_trials=3
        )
        tuner = keras_tuner.SklearnTuner(oracle, build, directory=str(tmp_path / "w"))
        run_in_process(tuner, fit_kwargs, study)
    assert tuner.get_best_models()[0].score(**fit_kwargs) > 0.9


def test_a_model_that_finds_no_space(tmp_path: Path, mount: Mount) -> None:
    """Models that are pickled would fail their trials where those of Keras do not."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    disk = mount("size=64k")

    def build(hp: Any) -> Any:
        model = linear_model.Ridge(alpha=hp.Float("alpha", 1e-3, 10))
        model.ballast = bytes(1 << 20)
        return model

    x = np.arange(20.0)
    fit_kwargs = {"X": x.reshape(-1, 1), "y": x}
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        oracle = keras_tuner.oracles.RandomSearchOracle(
            keras_tuner.Objective("score", "max"), max_trials=3
        )
        tuner = keras_tuner.SklearnTuner(oracle, build, directory=str(disk))
        with pytest.raises(StorageError, match="trial 0 to find space"):
            run_in_process(tuner, fit_kwargs, study)
    assert simulation.history(str(tmp_path / "study")).unfinished() == ["0"]


def test_tuner_that_ends_its_trials_itself(tmp_path: Path) -> None:
    """Its trials would get other hyperparameters than they ran with."""

    class Legacy(Bare):
        def run_trial(self, trial: Any, data: list[float]) -> None:
            score = super().run_trial(trial, data)["score"]
            self.oracle.update_trial(trial.trial_id, {"score": score})

        def on_trial_end(self, trial: Any) -> None:
            self.oracle.end_trial(trial.trial_id, "COMPLETED")

    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        tuner = bare(tmp_path)
        tuner.__class__ = Legacy
        run_in_process(tuner, {"data": [0.5]}, study)
    trials = tuner.oracle.get_best_trials(None)
    assert len(trials) == 5
    for trial in trials:
        x = trial.hyperparameters.get("x")
        assert trial.score == (x - 0.5) ** 2


def test_tuners_own_state_is_kept(tmp_path: Path) -> None:
    """A tuner that counts or learns between trials would forget."""
    directory = str(tmp_path / "study")
    with Study.open(directory, simulation.FINGERPRINT) as study:
        tuner = bare(tmp_path)
        tuner.on_search_end = lambda: 1 / 0
        with pytest.raises(ZeroDivisionError):
            run_in_process(tuner, {"data": [0.5]}, study)
    saved = tmp_path / "study" / "tuner.json"
    assert json.loads(saved.read_text()) == {"runs": 5}
    with Study.open(directory, simulation.FINGERPRINT) as study:
        tuner = bare(tmp_path, max_trials=7)
        run_in_process(tuner, {"data": [0.5]}, study)
    assert tuner.runs == 7


def test_torn_state_of_a_tuner_is_no_obstacle(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """KerasTuner writes it in place: a crash meanwhile would block the search."""
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        (tmp_path / "study" / "tuner.json").write_text('{"ru')
        run_in_process(bare(tmp_path), {"data": [0.5]}, study)
    assert "tuner.json" in caplog.text


class Failing(Bare):
    def run_trial(self, trial: Any, data: list[float]) -> dict[str, float]:
        trial.hyperparameters.Float("x", 0.0, 1.0)
        if trial.trial_id == "1":
            return {"score": math.nan}
        raise LookupError(f"no data for {trial.trial_id}")


def test_search_whose_trials_all_fail(tmp_path: Path) -> None:
    """A broken module would look like a search without results."""
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        tuner = bare(tmp_path)
        tuner.__class__ = Failing
        with pytest.raises(SearchFailedError, match="no data for 0") as raised:
            run_in_process(tuner, {"data": []}, study)
    assert "Traceback" in str(raised.value.first_traceback)
    assert raised.value.failed_trials == 5


def test_limit_on_failures(tmp_path: Path) -> None:
    """The limit that the user set would not reach the search."""
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        tuner = bare(tmp_path)
        tuner.__class__ = Failing
        with pytest.raises(SearchFailedError, match="at most 2"):
            run_in_process(
                tuner, {"data": []}, study, SearchOptions(max_failed_trials=2)
            )
    assert len(tuner.oracle.trials) == 3


class Crowded(Bare):
    """Its trial 2 finds no space for what it writes, and puts that in its own words."""

    def run_trial(self, trial: Any, data: list[float]) -> dict[str, float]:
        if trial.trial_id == "2":
            try:
                raise OSError(errno.ENOSPC, "No space left on device")
            except OSError as error:
                raise ValueError("could not save") from error
        return dict(super().run_trial(trial, data))


def test_a_full_disk_ends_the_search_and_no_trial(tmp_path: Path) -> None:
    """Healthy trials would fail, one after the other, for want of space."""
    directory = str(tmp_path / "study")
    with Study.open(directory, simulation.FINGERPRINT) as study:
        tuner = bare(tmp_path)
        tuner.__class__ = Crowded
        with pytest.raises(StorageError, match="trial 2 to find space") as raised:
            run_in_process(tuner, {"data": [0.5]}, study)
    assert directory in str(raised.value)
    told = simulation.history(directory)
    assert told.end_order == ["0", "1"]
    assert told.unfinished() == ["2"]
    assert told.trials["2"].attempts == []
    with Study.open(directory, simulation.FINGERPRINT) as study:
        tuner = bare(tmp_path)
        run_in_process(tuner, {"data": [0.5]}, study)
    assert tuner.oracle.end_order == ["0", "1", "2", "3", "4"]
    assert len(tuner.oracle.get_best_trials(None)) == 5


def test_a_full_disk_between_trials_ends_the_search(tmp_path: Path) -> None:
    """What the user's hooks write would end in an error that does not say how to go on."""
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        tuner = bare(tmp_path)
        full = OSError(errno.ENOSPC, "No space left on device")
        tuner.on_trial_begin = unittest.mock.Mock(side_effect=full)
        with pytest.raises(StorageError, match="the search to find space"):
            run_in_process(tuner, {"data": [0.5]}, study)


class Moved(Bare):
    """Its study is moved away in trial 2, and another search begins at its place."""

    study: Path

    def run_trial(self, trial: Any, data: list[float]) -> dict[str, float]:
        if trial.trial_id == "2":
            self.study.rename(self.study.with_name("moved"))
            self.study.mkdir()
            report_epoch({"score": 1.0})
        return super().run_trial(trial, data)


def test_a_study_that_is_moved_ends_its_search(tmp_path: Path) -> None:
    """It would train for hours, and write into the study of another search."""
    told: list[Any] = []
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        tuner = bare(tmp_path)
        tuner.__class__, tuner.study = Moved, tmp_path / "study"
        with pytest.raises(StudyLockedError, match="Then run this one again"):
            run_in_process(tuner, {"data": [0.5]}, study, observer=told.append)
    assert not any(isinstance(event, events.EpochEnded) for event in told)
    assert os.listdir(tmp_path / "study") == []
    history = simulation.history(str(tmp_path / "moved"))
    assert history.end_order == ["0", "1"]
    assert history.unfinished() == ["2"]


def test_trial_without_the_objective_stops_the_search(tmp_path: Path) -> None:
    """A typing error in the objective would fail trial after trial."""
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        tuner = bare(tmp_path)
        tuner.run_trial = lambda trial, data: {"scoer": 1.0}
        with pytest.raises(keras_tuner.errors.FatalValueError, match="scoer"):
            run_in_process(tuner, {"data": []}, study)


def test_progress_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A search in process would run for hours without a word."""
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        run_in_process(bare(tmp_path), {"data": [0.5]}, study)
    assert "Trial 5 Complete" in capsys.readouterr().out


def test_observer_is_told_what_happens(tmp_path: Path) -> None:
    """TensorBoard would stay empty for searches in process."""
    told: list[Any] = []
    tuner = tuner_of("random", tmp_path, Calls(tmp_path))
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        run_in_process(tuner, {}, study, observer=told.append)
    began, *others = told
    assert (began.objective, began.max_trials, began.workers) == (
        tuner.oracle.objective.name,
        8,
        0,
    )
    started, ended = others[::2], others[1::2]
    assert len(started) == len(ended) == 8
    for first, last in zip(started, ended, strict=True):
        assert first.trial_id == last.trial_id and last.completed
        assert last.score == tuner.oracle.trials[last.trial_id].score


def test_a_tuner_with_the_oracle_of_auto_ends_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would with search="auto" alone, or nobody be told that it ends."""
    monkeypatch.setattr(convergence, "SHARE", 3.0)
    told: list[Any] = []
    tuner = tuner_of("random", tmp_path, Calls(tmp_path))
    own = tuner.oracle
    tuner.oracle = AutoOracle(epochs=1, objective=own.objective, max_trials=30, seed=3)
    options = SearchOptions(stop_when="converged")
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        assert run_in_process(tuner, {}, study, options, observer=told.append)
    assert 12 <= len(tuner.oracle.trials) < 30
    [ending] = [event for event in told if isinstance(event, events.SearchEnding)]
    assert ending.reason == tuner.oracle.ended_because


def test_a_tuner_that_cannot_tell_an_end_is_refused(tmp_path: Path) -> None:
    """The search would run all trials, and its user wait for an early end."""
    calls = Calls(tmp_path)
    tuner = tuner_of("random", tmp_path, calls)
    options = SearchOptions(stop_when="converged")
    with (
        Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study,
        pytest.raises(ValueError, match='RandomSearchOracle.*search="auto"'),
    ):
        run_in_process(tuner, {}, study, options)
    assert calls.read() == []
