"""What would fail the first trials is found before the first, and nothing else refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import pytest
import tensorflow as tf

from tests.support import crashes
from tests.support.keras_trials import X, Y
from tuner_component.oracles import VizierSearch
from tuner_component.search.errors import PreflightError
from tuner_component.search.machine import forked
from tuner_component.search.options import Known, SearchOptions
from tuner_component.search.study.study import Study
from tuner_component.search.training import preflight


def without_validation(**more: Any) -> dict[str, Any]:
    """A dataset of one batch: for arrays, Keras makes several graphs."""
    return {"x": tf.data.Dataset.from_tensors((X, Y)), "verbose": 0, **more}


def data(**more: Any) -> dict[str, Any]:
    few = without_validation(**more)
    return {"validation_data": few["x"], **few}


def build(hp: Any) -> Any:
    hp.Int("units", 4, 8)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def tuner_in(directory: Path, hypermodel: Any = build, **kwargs: Any) -> Any:
    """A search that fails with its first trial, unless it says otherwise."""
    kwargs = {"objective": "val_loss", "max_trials": 1, "seed": 3, **kwargs}
    return keras_tuner.RandomSearch(hypermodel, directory=directory, **kwargs)


def found(tuner: Any, kwargs: Any) -> preflight.Finding:
    finding = preflight.check(tuner, kwargs, seed=1)
    assert finding is not None
    return finding


class Own(keras.callbacks.Callback):  # type: ignore[misc]
    """May do anything."""


def test_a_sound_search_passes_with_one_batch(tmp_path: Path) -> None:
    """The check would cost as much as a trial, or run the user's callbacks."""
    steps: list[int] = []

    class Noting(keras.Sequential):  # type: ignore[misc]
        def train_step(self, *args: Any) -> Any:
            steps.append(1)
            return super().train_step(*args)

    def noting(hp: Any) -> Any:
        hp.Int("units", 1, 8)
        model = Noting([keras.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    class Raise(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            raise AssertionError("the check ran a callback")

    kwargs = data(epochs=50, callbacks=[Raise()])
    assert preflight.check(tuner_in(tmp_path, noting), kwargs, seed=1) is None
    assert steps == [1]


def test_an_objective_that_is_not_reported_is_named(tmp_path: Path) -> None:
    """The first trial would train for an epoch to find out."""
    finding = found(tuner_in(tmp_path), without_validation())
    assert finding.certain
    assert "'val_loss'" in finding.message
    assert "Received: ['loss']" in finding.message
    assert "skip_preflight" in finding.message


def test_validation_that_leaves_epochs_out_is_named(tmp_path: Path) -> None:
    """The message would ask for the validation data that were passed."""
    finding = found(tuner_in(tmp_path), data(validation_freq=2))
    assert finding.certain
    assert "validation_freq" in finding.message


def test_metrics_without_a_name_have_that_of_a_trial(tmp_path: Path) -> None:
    """Keras counts: `val_auc` would be `val_auc_1`, and the search be refused."""

    def with_auc(hp: Any) -> Any:
        model = build(hp)
        model.compile(
            "sgd",
            "binary_crossentropy",
            metrics=[keras.metrics.AUC()],
            run_eagerly=True,
        )
        return model

    objective = keras_tuner.Objective("val_auc", "max")
    tuner = tuner_in(tmp_path, with_auc, objective=objective)
    labelled = data(x=tf.data.Dataset.from_tensors((X, (Y > 0).astype("float32"))))
    assert preflight.check(tuner, labelled, seed=1) is None


def generated(batches: Any) -> dict[str, Any]:
    return {"x": batches, "validation_data": (X, Y), "steps_per_epoch": 2, "verbose": 0}


def test_class_weights_for_a_generator_are_found(tmp_path: Path) -> None:
    """Keras refuses them in each trial."""
    batches = ((X[:8], Y[:8]) for _ in range(9))
    weighted = {**generated(batches), "class_weight": {0: 1.0, 1: 2.0}}
    finding = found(tuner_in(tmp_path), weighted)
    assert finding.certain
    assert "class_weight" in finding.message


def test_data_of_a_generator_are_looked_at(tmp_path: Path) -> None:
    """What does not fit the model would fail the trials one by one."""
    batches = ((X[:8], Y[:8].astype(str)) for _ in range(9))
    finding = found(tuner_in(tmp_path), generated(batches))
    assert "train on one batch" in finding.message


@pytest.mark.parametrize("callbacks", [[Own()], [[Own()]]])
def test_callbacks_of_the_users_own_may_add_the_objective(
    tmp_path: Path, callbacks: Any
) -> None:
    """An F1 score that a callback computes would be refused as an objective."""
    kwargs = without_validation(callbacks=callbacks)
    assert not found(tuner_in(tmp_path), kwargs).certain


def test_those_of_keras_do_not(tmp_path: Path) -> None:
    """Any EarlyStopping would switch the check off."""
    stopping = keras.callbacks.EarlyStopping(monitor="val_loss")
    kwargs = without_validation(callbacks=[stopping])
    assert found(tuner_in(tmp_path), kwargs).certain


def test_one_trial_that_fails_is_not_all(tmp_path: Path) -> None:
    """A search that has good points as well would be refused."""

    def sometimes(hp: Any) -> Any:
        model = build(hp)
        if hp.values and hp.get("units") != 5:
            model.compile("sgd", "no loss of Keras'")
        return model

    # The first points have 7, 8 and 5 units.
    finding = found(tuner_in(tmp_path, sometimes, seed=2, max_trials=5), data())
    assert not finding.certain


def test_a_limit_of_the_users_own_is_kept_to(tmp_path: Path) -> None:
    """KerasTuner would have gone on after the third failure."""
    tuner = tuner_in(tmp_path, max_trials=5, max_consecutive_failed_trials=4)
    assert "first 4 trials" in found(tuner, without_validation()).message


def test_an_oracle_of_the_users_own_is_not_asked(tmp_path: Path) -> None:
    """A service would be asked for trials that nobody runs."""

    class Service(keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
        def populate_space(self, trial_id: str) -> Any:
            raise AssertionError("the check asked for a trial")

    tuner = keras_tuner.Tuner(
        Service(objective="val_loss", max_trials=3), build, directory=tmp_path
    )
    assert not found(tuner, without_validation()).certain


def test_a_service_is_not_asked(tmp_path: Path) -> None:
    """A study of its own, with a trial that nobody ends, would be left at Vizier."""
    tuner = VizierSearch(
        build, endpoint="127.0.0.1:1", objective="val_loss", directory=tmp_path
    )
    assert not found(tuner, without_validation()).certain
    assert tuner.oracle._conversation is None


@pytest.mark.parametrize("error", [OSError("gone"), MemoryError()])
def test_trouble_that_may_pass_is_no_verdict(tmp_path: Path, error: Any) -> None:
    """A network that is slow to come up would end the search."""

    def batches() -> Any:
        raise error
        yield

    finding = found(tuner_in(tmp_path), generated(batches()))
    assert not finding.certain


def test_nothing_is_written(tmp_path: Path) -> None:
    """A search would find the oracle's state of its check."""
    found(tuner_in(tmp_path), without_validation())
    assert not list(tmp_path.rglob("*.json"))


def test_the_check_is_done_in_a_process_of_its_own(tmp_path: Path) -> None:
    """What may be called once in a process would have been called before the search."""
    called: list[str] = []

    def make() -> Any:
        called.append("tuner_fn")
        return tuner_in(tmp_path), without_validation()

    def settle() -> None:
        check = preflight.Check(make, seed=1)
        with pytest.raises(PreflightError, match="validation_data"):
            check.settle()
        assert not called

    assert crashes.run(settle)


def test_what_tuner_fn_raises_there_is_a_warning() -> None:
    """A port that is still bound would end a search that could have waited for it."""

    def make() -> Any:
        raise RuntimeError("already active")

    def settle() -> None:
        said: list[str] = []
        preflight.Check(make, seed=1).settle(said.append)
        assert "already active" in said[0]

    assert crashes.run(settle)


def test_where_there_can_be_no_copy_nothing_is_checked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The process that searches would have to train, or hang."""
    monkeypatch.setattr(forked, "obstacle", lambda: "TensorFlow runs")
    with caplog.at_level(logging.INFO, "tuner_component"):
        preflight.Check(lambda: pytest.fail("called"), seed=1).settle()
    assert "TensorFlow runs" in caplog.text


def test_which_searches_are_checked(tmp_path: Path) -> None:
    """One that is run again would not say what is wrong; one that goes on be refused."""
    wanted = SearchOptions(preflight=True)
    known = SearchOptions(preflight=True, known=Known(points=({"x": 1},)))
    for _ in range(2):  # New, and as the check that refused it has left it.
        with Study.open(str(tmp_path), {"module": "m"}) as study:
            assert preflight.is_wanted(wanted, study)
            assert not preflight.is_wanted(SearchOptions(), study)
            assert not preflight.is_wanted(known, study)
    with Study.open(str(tmp_path), {"module": "m"}) as study:
        study.journal.append({"kind": "ended", "trial_id": "0"})
        study.commit()
    with Study.open(str(tmp_path), {"module": "m"}) as study:
        assert not preflight.is_wanted(wanted, study)
