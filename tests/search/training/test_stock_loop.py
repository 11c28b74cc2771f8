"""It is known what trials do only if nothing of the user's own comes in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import keras_tuner
import pytest

from tests.support.keras_trials import build
from tuner_component.search.training import stock_loop


def tuner_of(cls: Any, directory: Path, hypermodel: Any = build) -> Any:
    kwargs = {} if issubclass(cls, keras_tuner.Hyperband) else {"max_trials": 1}
    return cls(hypermodel, objective="val_loss", directory=directory, **kwargs)


def own(**members: Any) -> Any:
    return type("Own", (keras_tuner.RandomSearch,), members)


def does(self: Any, *args: Any, **kwargs: Any) -> None:
    """What a method of the user's own does."""


class OwnFit(keras_tuner.HyperModel):  # type: ignore[misc]
    def build(self, hp: Any) -> Any:
        return build(hp)

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        return model.fit(*args, **kwargs)


@pytest.mark.parametrize(
    "cls",
    [
        keras_tuner.RandomSearch,
        keras_tuner.Hyperband,
        own(load_model=does, on_trial_end=does, helper=does),
    ],
)
def test_what_is_known(tmp_path: Path, cls: Any) -> None:
    """Nothing would ever be checked."""
    assert stock_loop.is_known(tuner_of(cls, tmp_path))


@pytest.mark.parametrize(
    "name", ["run_trial", "search", "on_trial_begin", "_build_and_fit_model"]
)
def test_what_is_not(tmp_path: Path, name: str) -> None:
    """What the user's method adds would be missing, and the search be refused."""
    tuner = tuner_of(own(**{name: does}), tmp_path)
    assert not stock_loop.is_known(tuner)
    replaced = tuner_of(keras_tuner.RandomSearch, tmp_path)
    setattr(replaced, name, does)
    assert not stock_loop.is_known(replaced)


@pytest.mark.parametrize(
    "cls", [keras_tuner.RandomSearch, own(run_trial=does, on_trial_begin=does)]
)
def test_kerastuners_loop_asks_for_the_next_trial_at_once(
    tmp_path: Path, cls: Any
) -> None:
    """The driver would hear of each trial twice as often."""
    assert stock_loop.asks_at_once(tuner_of(cls, tmp_path))


@pytest.mark.parametrize("name", ["search", "on_trial_end", "save", "pre_create_trial"])
def test_a_method_in_between_may_do_anything_before(tmp_path: Path, name: str) -> None:
    """A trial would be suggested before the user's code has changed the search space."""
    assert not stock_loop.asks_at_once(tuner_of(own(**{name: does}), tmp_path))
    replaced = tuner_of(keras_tuner.RandomSearch, tmp_path)
    setattr(replaced, name, does)
    assert not stock_loop.asks_at_once(replaced)


def test_a_fit_of_the_users_own_is_not_known(tmp_path: Path) -> None:
    """It may return metrics that Keras does not know of."""
    tuner = tuner_of(keras_tuner.RandomSearch, tmp_path, OwnFit())
    assert not stock_loop.trains(tuner)

    class Model(keras.Model):  # type: ignore[misc]
        fit = does

    assert not stock_loop.is_plain(Model())
    assert stock_loop.is_plain(keras.Sequential())
    assert not stock_loop.is_plain(object())
