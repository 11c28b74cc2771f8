"""What would fail every trial is found before the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import keras_tuner
import pytest
import tensorflow as tf
from keras_tuner.errors import FatalValueError

from tests.support.keras_trials import DATA, X, Y, build
from tuner_component.search.errors import PreflightError
from tuner_component.search.training import preflight

WITHOUT_VALIDATION = {"x": X, "y": Y, "verbose": 0}


def tuner_in(directory: Path, hypermodel: Any = build, cls: Any = None) -> Any:
    cls = cls or keras_tuner.RandomSearch
    return cls(hypermodel, objective="val_loss", max_trials=1, directory=directory)


def broken(hp: Any) -> Any:
    model = build(hp)
    if hp.values:  # The tuner builds it once by itself, to learn the search space.
        broken.builds += 1
    if broken.builds > 1:
        raise ZeroDivisionError("units")
    return model


@pytest.mark.slow
def test_a_sound_search_passes_with_one_batch(tmp_path: Path) -> None:
    """The check would cost as much as a trial, or spoil the search it checks."""
    seen: list[int] = []

    class Count(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(batch)

    steps: list[Any] = []

    def noting(hp: Any) -> Any:
        model = build(hp)
        fit = model.fit

        def fit_noting(*args: Any, **kwargs: Any) -> Any:
            history = fit(*args, **kwargs)
            steps.append(int(model.optimizer.iterations.numpy()))
            return history

        object.__setattr__(model, "fit", fit_noting)
        return model

    kwargs = {**DATA, "epochs": 50, "callbacks": [Count()]}
    preflight.check(tuner_in(tmp_path, noting), kwargs, seed=1)
    assert steps == [1]
    assert seen == []


@pytest.mark.slow
def test_an_objective_that_is_not_reported_is_named(tmp_path: Path) -> None:
    """The first trial would run to its end to find out."""
    with pytest.raises(PreflightError, match=r"'val_loss' .*Received: \['loss'\]"):
        preflight.check(tuner_in(tmp_path), WITHOUT_VALIDATION, seed=1)


def test_a_model_that_cannot_be_built_is_reported(tmp_path: Path) -> None:
    """Ten trials would fail one after the other."""
    broken.builds = 0  # type: ignore[attr-defined]
    tuner = tuner_in(tmp_path, broken)
    broken.builds = 1  # type: ignore[attr-defined]
    with pytest.raises(
        PreflightError, match=r"ZeroDivisionError: units.*skip_preflight"
    ):
        preflight.check(tuner, DATA, seed=1)


@pytest.mark.slow
def test_data_that_does_not_fit_the_model_is_reported(tmp_path: Path) -> None:
    """Every trial would fail at its first batch."""
    data = {"x": X, "y": Y.astype(str), "verbose": 0}
    with pytest.raises(PreflightError, match="train on one batch"):
        preflight.check(tuner_in(tmp_path), data, seed=1)


def test_a_run_trial_of_the_users_own_is_only_built(tmp_path: Path) -> None:
    """Code that may take hours would be run."""

    class Own(keras_tuner.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            raise AssertionError("the check ran a trial")

    preflight.check(tuner_in(tmp_path, cls=Own), WITHOUT_VALIDATION, seed=1)


def test_a_search_is_checked_only_if_wished(tmp_path: Path) -> None:
    """The switch would be the wrong way round."""
    made: list[Any] = []

    def make() -> tuple[Any, dict[str, Any]]:
        broken.builds = 0  # type: ignore[attr-defined]
        made.append((tuner_in(tmp_path, broken), DATA))
        broken.builds = 1  # type: ignore[attr-defined]
        return made[-1]  # type: ignore[no-any-return]

    with pytest.raises(PreflightError):
        preflight.prepared(make, seed=1, wanted=True)
    made.clear()
    assert preflight.prepared(make, seed=1, wanted=False) is made[0]


@pytest.mark.slow
def test_trials_of_a_checked_search_get_their_data_in_the_same_order(
    tmp_path: Path,
) -> None:
    """They would differ from those of a search that is resumed, or not checked."""

    def make() -> tuple[Any, dict[str, Any]]:
        numbers = tf.data.Dataset.from_tensor_slices((X, Y))
        shuffled = numbers.shuffle(len(X), seed=3).batch(2).cache()
        return tuner_in(tmp_path), {"x": shuffled, "validation_data": shuffled}

    def order(wanted: bool) -> list[Any]:
        _, fit_kwargs = preflight.prepared(make, seed=1, wanted=wanted)
        return [batch.numpy().tolist() for batch, _ in fit_kwargs["x"]]

    assert order(wanted=True) == order(wanted=False)


@pytest.mark.parametrize("results", [{"loss": 1.0}, [{"val_loss": 1.0}, {"loss": 1.0}]])
def test_a_trial_without_the_objective_ends_the_search(
    tmp_path: Path, results: Any
) -> None:
    """KerasTuner would fail three trials with a bare KeyError first."""

    class Own(keras_tuner.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            return results

    tuner = tuner_in(tmp_path, cls=Own)
    preflight.require_objective(tuner)
    with pytest.raises(FatalValueError, match=r"'val_loss' .*Received: \['loss'\]"):
        tuner.run_trial(None)


def test_any_number_will_do_without_an_objective(tmp_path: Path) -> None:
    """A `run_trial` that returns its score alone would be refused."""

    class Own(keras_tuner.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            return trial

    tuner = Own(build, max_trials=1, directory=tmp_path)
    preflight.require_objective(tuner)
    assert tuner.run_trial(0.5) == 0.5
    assert tuner.run_trial({"loss": 0.5}) == {"loss": 0.5}
