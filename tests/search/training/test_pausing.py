"""A training is left where it pauses, and goes on from there as if it never had."""

from __future__ import annotations

import collections
import itertools
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import pytest
import tensorflow as tf

from tests.support import paused_trials, simulation
from tests.support.halving import Halving
from tests.support.keras_trials import DATA, Interrupt, NoEpoch
from tuner_component.search.errors import SearchError
from tuner_component.search.in_process.interruption import InterruptibleOracle
from tuner_component.search.in_process.run import run_in_process
from tuner_component.search.options import SearchOptions
from tuner_component.search.study.history_reading import read_history
from tuner_component.search.study.study import Study
from tuner_component.search.study.trial_history import TrialHistory
from tuner_component.search.training import instrument


@pytest.fixture(autouse=True)
def _no_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but a pause has a state written."""
    monkeypatch.setattr(instrument, "WriteBudget", NoEpoch)


class Calls(keras_tuner.Tuner):  # type: ignore[misc]
    """Counts what is called of a tuner."""

    calls: collections.Counter[str]

    def on_trial_begin(self, trial: Any) -> None:
        self.calls[f"begin {trial.trial_id}"] += 1
        super().on_trial_begin(trial)

    def on_trial_end(self, trial: Any) -> None:
        self.calls[f"end {trial.trial_id}"] += 1
        super().on_trial_end(trial)


def search(
    directory: Path,
    rungs: Any = paused_trials.ONE_RUNG,
    cls: Any = Calls,
    trials: int = 2,
    epochs: int = paused_trials.FEW_EPOCHS,
    **kwargs: Any,
) -> tuple[Any, dict[str, TrialHistory]]:
    """Runs a search in process; returns its tuner and what its study tells."""
    directory.mkdir(exist_ok=True)
    tuner = paused_trials.tuner(directory, rungs, cls, trials, **kwargs)
    tuner.calls = collections.Counter()
    begun = paused_trials.Begun(directory / "begun")
    fit = paused_trials.fit_kwargs(begun, epochs=epochs)
    study = str(directory / "study")
    with Study.open(study, simulation.FINGERPRINT, seed=5) as opened:
        run_in_process(tuner, fit, opened, SearchOptions())
        return tuner, read_history(study, opened.id).trials


def epochs(trial: TrialHistory) -> list[int]:
    assert trial.ended is not None
    return [len(curve["val_loss"]) for curve in trial.ended["curves"]]


@pytest.mark.slow
def test_a_paused_training_goes_on_bit_by_bit(tmp_path: Path) -> None:
    """What goes on would be another training, or begin anew."""
    size = {"trials": 4, "epochs": paused_trials.EPOCHS}
    whole, _ = search(tmp_path / "whole", rungs=(99,), **size)
    tuner, trials = search(tmp_path / "paused", paused_trials.RUNGS, **size)
    assert sorted(epochs(trial)[0] for trial in trials.values()) == [1, 1, 3, 6]
    assert paused_trials.begun(tmp_path / "paused") == {
        "0": 4,
        "1": 2,
        "2": 2,
        "3": 1,
        "4": 1,
        "5": 1,
    }
    [best] = [i for i, trial in trials.items() if "stopped" not in trial.ended]
    trial, same = tuner.oracle.get_trial(best), whole.oracle.get_trial(best)
    assert (trial.score, trial.best_step) == (same.score, same.best_step)
    for ours, theirs in zip(
        tuner.load_model(trial).get_weights(),
        whole.load_model(same).get_weights(),
        strict=True,
    ):
        assert (ours == theirs).all()


def test_what_a_trial_is_worth_that_is_not_gone_on_with(tmp_path: Path) -> None:
    """Its score would be of another epoch than its weights, or nobody could load it."""
    tuner, _ = search(tmp_path)
    for trial, model in zip(
        tuner.oracle.get_best_trials(2), tuner.get_best_models(2), strict=True
    ):
        last = len(DATA["x"]) * 3 // 4
        model.compile(loss="mse")
        loss = model.evaluate(DATA["x"][last:], DATA["y"][last:], verbose=0)
        assert loss == pytest.approx(trial.score)


def test_pauses_are_none_of_the_users_business(tmp_path: Path) -> None:
    """A tuner would take a pause for the end of a trial, or for a failure."""
    tuner, trials = search(tmp_path)
    assert {i: tuner.calls[f"end {i}"] for i in trials} == {
        i: int("stopped" not in trial.ended) for i, trial in trials.items()
    }
    assert not list((tmp_path / "study" / "trials").glob("*/training"))


class Swallows(Calls):
    """Takes whatever comes for a result."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().run_trial(trial, *args, **kwargs)
        except:  # noqa: E722
            self.calls["swallowed"] += 1
            return {"val_loss": 0.0}


class Replaces(Calls):
    """Raises another exception instead."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().run_trial(trial, *args, **kwargs)
        except BaseException as error:
            self.calls["swallowed"] += 1
            raise ValueError("it did not work") from error


class TrainsOn(Calls):
    """Tries once more with another model."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().run_trial(trial, *args, **kwargs)
        except BaseException:  # noqa: BLE001
            self.calls["swallowed"] += 1
            return super().run_trial(trial, *args, **kwargs)


@pytest.mark.slow
@pytest.mark.parametrize("cls", [Swallows, Replaces, TrainsOn])
def test_user_code_that_takes_all_exceptions_pauses_too(
    tmp_path: Path, cls: Any
) -> None:
    """A trial that is to pause would end with a wrong result, or train on."""
    tuner, trials = search(tmp_path, cls=cls)
    assert tuner.calls["swallowed"] == 2
    assert sorted(map(epochs, trials.values())) == [[1], [2]]
    assert all(t.ended and t.ended["status"] == "COMPLETED" for t in trials.values())
    assert paused_trials.begun(tmp_path) == {"0": 2, "1": 1}


def test_a_death_between_the_save_and_the_pause_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trial would train on, past the rung where it was to pause."""

    def die(*args: Any) -> None:
        raise Interrupt

    with monkeypatch.context() as patch, pytest.raises(Interrupt):
        patch.setattr(InterruptibleOracle, "pause_trial", die)
        search(tmp_path)
    _, trials = search(tmp_path)
    assert sorted(map(epochs, trials.values())) == [[1], [2]]
    assert paused_trials.begun(tmp_path) == {"0": 2, "1": 1}
    kinds = [attempt["kind"] for attempt in trials["0"].attempts]
    assert kinds == ["attempt", "paused"]


def test_an_oracle_that_fails_is_no_failure_of_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All trials would fail, one after the other, and begin anew."""
    with monkeypatch.context() as patch:
        patch.setattr(Halving, "after_epoch", lambda *args: 1 / 0)
        with pytest.raises(SearchError, match="Halving.after_epoch to answer"):
            search(tmp_path)
    _, trials = search(tmp_path)
    assert sorted(map(epochs, trials.values())) == [[1], [2]]
    assert all(t.ended and t.ended["status"] == "COMPLETED" for t in trials.values())


@pytest.mark.slow
def test_several_executions_pause_in_the_first(tmp_path: Path) -> None:
    """A trial would be decided about again in each of its executions."""
    whole, _ = search(tmp_path / "whole", rungs=(99,), executions_per_trial=2)
    tuner, trials = search(tmp_path / "paused", executions_per_trial=2)
    assert sorted(map(epochs, trials.values())) == [[1], [2, 2]]
    [best] = [i for i, trial in trials.items() if "stopped" not in trial.ended]
    assert tuner.oracle.get_trial(best).score == whole.oracle.get_trial(best).score


def test_no_trial_goes_on_from_the_backup_of_one_that_pauses(tmp_path: Path) -> None:
    """Its first epochs would be left out, and its weights be those of another trial."""

    class BacksUp(Calls):
        def __init__(self, oracle: Any, build: Any, **kwargs: Any) -> None:
            def built(hp: Any) -> Any:
                model = build(hp)
                model.build((None, DATA["x"].shape[1]))
                return model

            super().__init__(oracle, built, **kwargs)

        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
            kwargs["callbacks"] = [*kwargs["callbacks"], backup]
            return super().run_trial(trial, *args, **kwargs)

    _, trials = search(tmp_path, cls=BacksUp)
    assert all(t.ended and t.ended["status"] == "COMPLETED" for t in trials.values())
    assert paused_trials.begun(tmp_path) == {"0": 2, "1": 1}


@pytest.mark.slow
def test_no_trial_meets_the_trace_of_one_that_pauses(tmp_path: Path) -> None:
    """What it writes would be in the records of the other trial, and not be traced."""

    class Records(Calls):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            board = keras.callbacks.TensorBoard(
                tmp_path / "board", update_freq="batch", profile_batch=(1, 50)
            )
            kwargs["callbacks"] = [*kwargs["callbacks"], board]
            return super().run_trial(trial, *args, **kwargs)

    _, trials = search(tmp_path, cls=Records)
    assert all(t.ended and t.ended["status"] == "COMPLETED" for t in trials.values())
    assert not tf.summary.should_record_summaries()


_rows = itertools.count()


class Draws(keras.Sequential):  # type: ignore[misc]
    """Goes through an iterator from step to step, which no file can hold."""

    def train_step(self, *args: Any) -> Any:
        next(_rows)
        return super().train_step(*args)


def build_unsaved(hp: keras_tuner.HyperParameters) -> Any:
    model = Draws([keras.layers.Dense(hp.Int("units", 1, 8)), keras.layers.Dense(1)])
    model.compile("adam", "mse", run_eagerly=True)
    return model


class CannotBeSaved(Calls):
    def __init__(self, oracle: Any, build: Any, **kwargs: Any) -> None:
        super().__init__(oracle, build_unsaved, **kwargs)


def test_what_cannot_be_saved_is_stopped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It would be trained from its beginning each time, or end the search."""
    _, trials = search(tmp_path, cls=CannotBeSaved)
    assert [epochs(trial) for trial in trials.values()] == [[1]] * 2
    for trial in trials.values():
        assert trial.ended is not None and trial.attempts == []
        assert trial.ended["stopped"] == {"rule": "oracle", "fit": 0, "epoch": 0}
    assert "cannot be saved" in caplog.text


class OwnLoop(Calls):
    """Calls `run_trial` itself."""

    def search(self, *args: Any, **kwargs: Any) -> None:
        while (trial := self.oracle.create_trial("own")).status == "RUNNING":
            results = self.run_trial(trial, *args, **kwargs)
            value = min(results[0].history["val_loss"])
            self.oracle.update_trial(trial.trial_id, {"val_loss": value})
            trial.status = "COMPLETED"
            self.oracle.end_trial(trial)


def test_in_a_loop_of_the_users_own_trials_are_stopped(tmp_path: Path) -> None:
    """A pause would end the search: nobody takes the exception."""
    _, trials = search(tmp_path, cls=OwnLoop)
    assert [epochs(trial) for trial in trials.values()] == [[1]] * 2


def test_data_that_cannot_be_drawn_again_are_not_paused(tmp_path: Path) -> None:
    """A training would go on with other data than it had."""

    class FromGenerator(Calls):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            x, y = kwargs.pop("x"), kwargs.pop("y")
            del kwargs["validation_split"], kwargs["batch_size"]
            batches = ((x, y) for _ in range(100))
            more = {"steps_per_epoch": 1, "validation_data": (x, y)}
            return super().run_trial(trial, batches, **kwargs, **more)

    _, trials = search(tmp_path, cls=FromGenerator)
    assert [epochs(trial) for trial in trials.values()] == [[1]] * 2


def test_the_end_of_a_training_is_no_pause(tmp_path: Path) -> None:
    """A trial that is trained to its end would count as one that was stopped."""
    last = paused_trials.FEW_EPOCHS
    _, trials = search(tmp_path, rungs=(last,))
    assert [epochs(trial) for trial in trials.values()] == [[last]] * 2
    assert all("stopped" not in t.ended for t in trials.values() if t.ended)
