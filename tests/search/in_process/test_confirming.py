"""The best trials of a search in process are run again by the user's own tuner."""

import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import pytest
from keras_tuner.engine import base_tuner

from tests.support import crashes, keras_trials, simulation
from tuner_component.report import confirmation
from tuner_component.report.loading import load_study
from tuner_component.search.in_process.run import run_in_process
from tuner_component.search.options import SearchOptions, StoppingOptions
from tuner_component.search.study.study import Study

THREE = {"confirm_top": 2, "confirm_seeds": 2}


class Acting(base_tuner.BaseTuner):  # type: ignore[misc]
    """Does something on the way to a trial's score, which is its number."""

    acts: dict[str, Callable[[Any], object]]
    ran: list[str]

    def run_trial(self, trial: Any) -> dict[str, float]:
        trial.hyperparameters.Float("x", 0.0, 1.0)
        # What code for KerasTuner looks at while a trial runs.
        assert self.oracle.trials[trial.trial_id].trial_id == trial.trial_id
        assert self.oracle.get_trial(trial.trial_id).status == "RUNNING"
        self.ran.append(trial.trial_id)
        self.acts.get(trial.trial_id, bool)(self)
        return {"score": float(trial.trial_id)}


def search(
    root: Path, acts: dict[str, Callable[[Any], object]], **options: Any
) -> tuple[bool, Acting]:
    oracle = keras_tuner.oracles.RandomSearchOracle(
        simulation.OBJECTIVE, max_trials=3, seed=2
    )
    tuner = Acting(oracle, directory=str(root / "workdir"))
    tuner.acts, tuner.ran = acts, []
    wanted = SearchOptions(**options)
    with Study.open(str(root / "study"), simulation.FINGERPRINT) as study:
        return run_in_process(tuner, {}, study, wanted), tuner


def test_reruns_follow_the_search(tmp_path: Path) -> None:
    """A search with KerasTuner's limit on trials would end without them."""
    complete, tuner = search(tmp_path, {}, **THREE)
    assert complete
    assert tuner.ran == ["0", "1", "2", "10000", "10001", "20000", "20001"]
    seeds = [rerun.seed for rerun in load_study(str(tmp_path / "study")).reruns]
    assert len({*seeds, None}) == 5


def test_the_time_budget_covers_reruns(tmp_path: Path) -> None:
    """A search would run on after its time, or claim what was not confirmed."""

    def time_is_up(tuner: Any) -> None:
        tuner.oracle.interruption._deadline = -math.inf

    complete, tuner = search(
        tmp_path, {"20000": time_is_up}, **THREE, time_budget_s=1e6
    )
    assert not complete
    assert tuner.ran[-1] == "20000"
    study = load_study(str(tmp_path / "study"))
    assert study.status == "running"
    assert study.confirmation is not None
    assert [trial.seeds for trial in study.confirmation.trials] == [1, 1]
    text = " ".join(confirmation.sentences(study.confirmation, "score"))
    assert "Only 1 of 2 re-runs of each has ended." in text
    complete, tuner = search(tmp_path, {}, **THREE)
    assert complete
    assert tuner.ran == ["20001"]


def test_time_that_is_up_before_a_round_confirms_nothing(tmp_path: Path) -> None:
    """The only trial that was run again would win, for no other reason."""

    def time_is_up(tuner: Any) -> None:
        tuner.oracle.interruption._deadline = -math.inf

    search(tmp_path, {"10000": time_is_up}, **THREE, time_budget_s=1e6)
    study = load_study(str(tmp_path / "study"))
    assert study.confirmation is not None
    assert study.confirmation.confirmed == []
    assert study.best is not None and study.best.trial_id == "0"
    (text,) = confirmation.sentences(study.confirmation, "score")
    assert text.startswith("No trial is confirmed")


def test_killed_while_confirming(tmp_path: Path) -> None:
    """The re-runs before the kill would be lost, or others run."""

    def kill(tuner: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    assert not crashes.run(lambda: search(tmp_path, {"10001": kill}, **THREE))
    assert not crashes.run(lambda: search(tmp_path, {"20000": kill}, **THREE))
    complete, tuner = search(tmp_path, {}, **THREE)
    assert complete
    assert tuner.ran == ["20000", "20001"]
    told = simulation.history(str(tmp_path / "study")).reruns
    assert [len(rerun.attempts) for rerun in told.values()] == [0, 1, 1, 0]


def test_a_rerun_that_always_kills_the_search_fails(tmp_path: Path) -> None:
    """The search would never come to its end."""

    def kill(tuner: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    options = {**THREE, "max_retries": 0}
    for _ in range(2):
        assert not crashes.run(lambda: search(tmp_path, {"10000": kill}, **options))
    complete, _ = search(tmp_path, {}, **options)
    assert complete
    study = load_study(str(tmp_path / "study"))
    assert [t.trial_id for t in study.completed] == ["1", "0", "2"]


def test_reruns_that_are_all_alike_are_told(tmp_path: Path) -> None:
    """A module that sets seeds of its own would look as if it were sure."""

    class Fixed(Acting):
        def run_trial(self, trial: Any) -> dict[str, float]:
            super().run_trial(trial)
            return {"score": float(trial.trial_id) % 10}

    oracle = keras_tuner.oracles.RandomSearchOracle(
        simulation.OBJECTIVE, max_trials=3, seed=2
    )
    tuner = Fixed(oracle, directory=str(tmp_path / "workdir"))
    tuner.acts, tuner.ran = {}, []
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        run_in_process(tuner, {}, study, SearchOptions(**THREE))
    found = load_study(str(tmp_path / "study")).confirmation
    assert found is not None and found.probability is None
    (text,) = confirmation.warnings(found)
    assert text.startswith("All re-runs of trial 0, 1 have the same score")


def random_search(root: Path, max_trials: int, **how: Any) -> Any:
    return keras_tuner.RandomSearch(
        keras_trials.build,
        "val_loss",
        max_trials=max_trials,
        seed=1,
        directory=str(root / "workdir"),
        **how,
    )


def keras_search(tuner: Any, root: Path, **options: Any) -> Any:
    with Study.open(str(root / "study"), simulation.FINGERPRINT, seed=5) as study:
        fit = {**keras_trials.DATA, "epochs": 4}
        run_in_process(tuner, fit, study, SearchOptions(**options))
    return load_study(str(root / "study"))


def weights(root: Path) -> set[str]:
    return {path.parent.name for path in root.rglob("checkpoint.weights.h5")}


def test_keras_models_are_trained_with_other_seeds(tmp_path: Path) -> None:
    """A re-run would have the luck of its trial; its weights would stay for ever."""
    tuner = random_search(tmp_path, 3, executions_per_trial=2)
    study = keras_search(tuner, tmp_path, confirm_top=2, confirm_seeds=2)
    scores = [rerun.score for rerun in study.reruns]
    assert len({*scores, *(t.score for t in study.completed)}) == 4 + 3
    assert all(len(rerun.executions) == 2 for rerun in study.reruns)
    assert weights(tmp_path) == {"trial_0", "trial_1", "trial_2"}
    best = tuner.oracle.get_best_trials()[0]
    assert study.best is not None and best.trial_id == study.best.trial_id
    assert isinstance(tuner.get_best_models()[0], keras.Model)


def test_weights_of_what_may_be_confirmed_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The published trial could not be loaded."""
    monkeypatch.setattr(
        "tuner_component.search.training.weights_cleaner.WeightsCleaner.__init__.__defaults__",
        (1, 0, lambda keep: ()),
    )
    tuner = random_search(tmp_path, 4)
    study = keras_search(tuner, tmp_path, confirm_top=2, confirm_seeds=1)
    assert study.confirmation is not None
    names = {f"trial_{trial.trial_id}" for trial in study.confirmation.trials}
    assert weights(tmp_path) == names
    assert len(names) == 2


def test_hyperband_trains_reruns_from_their_beginning(tmp_path: Path) -> None:
    """They would go on from the lucky weights."""
    tuner = keras_tuner.Hyperband(
        keras_trials.build,
        "val_loss",
        max_epochs=4,
        factor=2,
        seed=1,
        hyperband_iterations=1,
        directory=str(tmp_path / "workdir"),
    )
    study = keras_search(tuner, tmp_path, confirm_top=2, confirm_seeds=1)
    lengths = [len(rerun.executions[0]["val_loss"]) for rerun in study.reruns]
    assert lengths == [4, 4]
    assert all(rerun.status == "COMPLETED" for rerun in study.reruns)


def test_a_rerun_is_not_stopped_early(tmp_path: Path) -> None:
    """Half a training would confirm a whole one."""
    tuner = keras_tuner.RandomSearch(
        keras_trials.build,
        "val_loss",
        max_trials=2,
        seed=1,
        directory=str(tmp_path / "workdir"),
    )
    # Stops whatever does not get better by itself, which nothing does for long.
    rule = StoppingOptions("asha", grace_epochs=1, reduction_factor=1000)
    study = keras_search(tuner, tmp_path, confirm_top=2, confirm_seeds=2, stopping=rule)
    assert any(trial.stopped for trial in study.trials)
    assert not any(rerun.stopped for rerun in study.reruns)
    assert [rerun.epochs for rerun in study.reruns] == [4] * 4
