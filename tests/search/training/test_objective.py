"""A trial without the objective says so, and no other trial suffers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import keras_tuner
import pytest
from keras_tuner.errors import FatalValueError

from tests.support.keras_trials import DATA, X, Y, build
from tuner_component.search.training import objective

OBJECTIVE = keras_tuner.Objective("val_loss", "min")


def history(**metrics: list[float]) -> Any:
    made = keras.callbacks.History()
    made.history = metrics
    return made


def tuner_returning(results: Any, directory: Path, told: Any = None) -> Any:
    """A tuner whose trials return that, and may tell the oracle their metrics."""

    class Own(keras_tuner.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            if told is not None:
                self.oracle.update_trial(trial.trial_id, told)
            return results

    tuner = Own(build, objective="val_loss", max_trials=9, directory=directory)
    objective.require_objective(tuner)
    return tuner


def run(tuner: Any) -> Any:
    return tuner.run_trial(tuner.oracle.create_trial("tuner"))


@pytest.mark.parametrize(
    "results",
    [
        history(loss=[1.0, 2.0]),
        history(loss=[1.0, 2.0], val_loss=[1.0]),
        [history(val_loss=[1.0]), history(loss=[1.0])],
    ],
)
def test_a_training_without_the_objective_fails_its_trial(
    tmp_path: Path, results: Any
) -> None:
    """The search would end, where other trials report it; or be told of a KeyError."""
    with pytest.raises(objective.ObjectiveError, match="'val_loss' .*validation_freq"):
        run(tuner_returning(results, tmp_path))


@pytest.mark.parametrize("results", [{"loss": 1.0}, [{"val_loss": 1.0}, {"loss": 1.0}]])
def test_a_dictionary_without_it_ends_the_search(tmp_path: Path, results: Any) -> None:
    """KerasTuner ends it as well: all trials would fail."""
    with pytest.raises(FatalValueError, match=r"'val_loss' .*Received: \['loss'\]"):
        run(tuner_returning(results, tmp_path))


@pytest.mark.parametrize(
    "results", [{"loss": 1.0}, {"val_loss": 1.0, "curve": [1.0, 2.0]}, 0.5, None]
)
def test_what_the_oracle_was_told_counts(tmp_path: Path, results: Any) -> None:
    """A trial that reports by itself would be refused; KerasTuner takes it."""
    tuner = tuner_returning(results, tmp_path, told={"val_loss": 2.0})
    assert run(tuner) == results


def test_any_number_will_do_without_an_objective(tmp_path: Path) -> None:
    """A `run_trial` that returns its score alone would be refused."""
    none = keras_tuner.oracles.RandomSearchOracle(max_trials=1).objective
    assert objective.lack_of(none, ["loss"], "it") is None


def test_a_metric_with_nearly_that_name_is_asked_about() -> None:
    """People would have to find out how Keras names "acc"."""
    misspelt = keras_tuner.Objective("val_acc", "max")
    reported = ["accuracy", "loss", "val_accuracy", "val_loss"]
    lack = objective.lack_of(misspelt, reported, "it")
    assert "Did you mean val_accuracy? Name one" in (lack or "")


def test_each_of_several_objectives_is_looked_for() -> None:
    """A search would fail at its end for the second one."""
    both = keras_tuner.oracles.RandomSearchOracle(
        objective=[OBJECTIVE, keras_tuner.Objective("val_size", "min")], max_trials=1
    ).objective
    assert "val_size" in (objective.lack_of(both, ["val_loss"], "it") or "")
    assert objective.lack_of(both, ["val_size", "val_loss"], "it") is None


def test_a_training_ends_after_the_first_epoch_without_it(tmp_path: Path) -> None:
    """Days of training would come to nothing at their end."""
    epochs: list[int] = []
    count = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: epochs.append(epoch)
    )
    tuner = keras_tuner.RandomSearch(
        build, objective="val_loss", max_trials=1, directory=tmp_path
    )
    objective.require_objective(tuner)
    tuner._deepcopy_callbacks = lambda callbacks: list(callbacks)
    with pytest.raises(objective.ObjectiveError):
        tuner.run_trial(
            tuner.oracle.create_trial("tuner"),
            x=X,
            y=Y,
            verbose=0,
            epochs=9,
            callbacks=[count],
        )
    assert epochs == [0]


def test_metrics_of_callbacks_count(tmp_path: Path) -> None:
    """An F1 score that a callback computes could not be the objective."""

    class Add(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["f1"] = 0.5

    tuner = keras_tuner.RandomSearch(
        build,
        objective=keras_tuner.Objective("f1", "max"),
        max_trials=1,
        directory=tmp_path,
    )
    objective.require_objective(tuner)
    (result,) = tuner.run_trial(
        tuner.oracle.create_trial("tuner"), **DATA, callbacks=[Add()]
    )
    assert result.history["f1"] == [0.5]


class AddsAfterEachEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes into the history, where others write into the logs."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.history.history.setdefault("f1", []).append(0.5)


class AddsAtTheEnd(keras.callbacks.Callback):  # type: ignore[misc]
    """The same, once for all epochs."""

    def on_train_end(self, logs: Any = None) -> None:
        history = self.model.history.history
        history["f1"] = [0.5 for _ in history["loss"]]


@pytest.mark.parametrize("cls", [AddsAfterEachEpoch, AddsAtTheEnd])
def test_metrics_in_the_history_count(tmp_path: Path, cls: Any) -> None:
    """A trial would fail that KerasTuner completes."""
    f1 = keras_tuner.Objective("f1", "max")
    tuner = keras_tuner.RandomSearch(
        build, objective=f1, max_trials=1, directory=tmp_path
    )
    objective.require_objective(tuner)
    (result,) = tuner.run_trial(
        tuner.oracle.create_trial("tuner"), **DATA, epochs=2, callbacks=[cls()]
    )
    assert result.history["f1"] == [0.5, 0.5]
