"""A tuner that is not the one a study was started with is noticed."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
from keras_tuner import oracles

from tests.support import simulation
from tuner_component.oracles import OptunaOracle
from tuner_component.search.oracle import shape
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.history import History
from tuner_component.search.study.study import Study

Space = Callable[[keras_tuner.HyperParameters], Any]


def space(declare: Space) -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    declare(hp)
    return hp


def oracle(declare: Space, max_trials: int = 3, **kwargs: Any) -> keras_tuner.Oracle:
    return oracles.RandomSearchOracle(
        simulation.OBJECTIVE, max_trials, hyperparameters=space(declare), **kwargs
    )


def rate(hp: keras_tuner.HyperParameters) -> None:
    hp.Float("rate", 1e-3, 1e-1, sampling="log")


class Directory:
    """A study's directory, and what is said when it is opened."""

    def __init__(self, path: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.path = path
        self._caplog = caplog

    def open(self, made: keras_tuner.Oracle, trials: int = 1) -> str:
        """Runs some trials and stops, or finishes; returns the warnings."""
        self._caplog.clear()
        with (
            self._caplog.at_level(logging.WARNING),
            Study.open(str(self.path), simulation.FINGERPRINT, seed=1) as study,
        ):
            durable = DurableOracle.open(made, study)
            for _ in range(trials):
                trial = durable.create_trial("worker")
                if trial.status != "RUNNING":
                    durable.finish()
                    break
                simulation.run_trial(durable, trial, discover=True)
        return self._caplog.text


@pytest.fixture
def directory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Directory:
    return Directory(tmp_path, caplog)


@pytest.mark.parametrize(
    ("before", "now", "named"),
    [
        (
            rate,
            lambda hp: hp.Float("rate", 1e-3, 1.0, sampling="log"),
            "hyperparameter rate (max_value was 0.1, is 1)",
        ),
        (rate, lambda hp: None, "hyperparameter rate (removed)"),
        (
            rate,
            lambda hp: (rate(hp), hp.Boolean("norm")),
            "hyperparameter norm (added)",
        ),
        (
            lambda hp: hp.Choice("n", [1, 2]),
            lambda hp: hp.Choice("n", [1, 3]),
            "hyperparameter n (values was [1, 2], is [1, 3])",
        ),
        (
            lambda hp: hp.Fixed("n", 1),
            lambda hp: hp.Int("n", 1, 2),
            "kind was Fixed, is Int",
        ),
    ],
)
def test_changed_space_is_named(
    directory: Directory, before: Space, now: Space, named: str
) -> None:
    """A space that is not the user's would be searched without a word."""
    assert directory.open(oracle(before)) == ""
    said = directory.open(oracle(now))
    assert named in said
    assert "goes on in the space that it was started with." in said
    assert f"remove {directory.path} " in said


def conditional(values: list[str]) -> Space:
    def declare(hp: keras_tuner.HyperParameters) -> None:
        hp.Choice("kind", ["flat", "deep", "wide"])
        with hp.conditional_scope("kind", values):
            hp.Int("layers", 1, 3)

    return declare


def test_when_a_hyperparameter_is_active_counts(directory: Directory) -> None:
    """Half a space could change unnoticed."""
    directory.open(oracle(conditional(["deep"])))
    assert "layers with kind in ['deep'] (removed)" in directory.open(
        oracle(conditional(["deep", "wide"]))
    )


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (
            lambda hp: (rate(hp), hp.Boolean("norm")),
            lambda hp: (hp.Boolean("norm"), rate(hp)),
        ),
        (
            lambda hp: hp.Choice("kind", ["a", "b"]),
            lambda hp: hp.Choice("kind", ["b", "a"]),
        ),
        (
            lambda hp: hp.Float("rate", 0.1, 0.3),
            lambda hp: hp.Float("rate", 0.1, 0.1 + 0.1 + 0.1),
        ),
        (
            lambda hp: hp.Int("n", 1, 9, default=2),
            lambda hp: hp.Int("n", 1, 9, default=3),
        ),
    ],
    ids=["order", "order of choices", "rounding", "default"],
)
def test_same_space_told_otherwise_is_the_same(
    directory: Directory, before: Space, now: Space
) -> None:
    """Warnings that mean nothing are not read."""
    directory.open(oracle(before))
    assert directory.open(oracle(now)) == ""


@pytest.mark.parametrize("kind", simulation.KINDS)
def test_space_that_grew_in_the_search_is_no_change(
    directory: Directory, kind: str
) -> None:
    """Every search that is resumed would be warned of."""
    for _ in range(3):
        assert directory.open(simulation.oracle(kind), trials=2) == ""


@pytest.mark.parametrize(
    ("make", "before", "now", "named"),
    [
        (oracles.HyperbandOracle, {"factor": 2}, {"factor": 4}, "factor was 2, is 4"),
        (
            oracles.HyperbandOracle,
            {"max_epochs": 4},
            {"max_epochs": 8},
            "max_epochs was 4, is 8",
        ),
        (OptunaOracle, {}, {"sampler": "qmc"}, "sampler was tpe, is qmc"),
        (
            oracles.BayesianOptimizationOracle,
            {},
            {"num_initial_points": 5},
            "num_initial_points was None, is 5",
        ),
    ],
)
def test_changed_arguments_of_the_oracle_are_named(
    directory: Directory, make: Any, before: Any, now: Any, named: str
) -> None:
    """Trials of one rule would be judged by another one's."""
    common = {"objective": simulation.OBJECTIVE, "hyperparameters": space(rate)}
    directory.open(make(**common, **before))
    said = directory.open(make(**common, **now))
    assert named.partition(" was")[0] in said
    assert named.partition(" ")[2] in said


def test_how_an_oracle_runs_is_no_change(directory: Directory) -> None:
    """Users who have failing trials tried again would be told to start anew."""
    directory.open(oracle(rate, seed=1))
    assert (
        directory.open(
            oracle(
                rate, seed=2, max_retries_per_trial=3, max_consecutive_failed_trials=7
            )
        )
        == ""
    )


def test_more_trials_are_run_and_counted(directory: Directory) -> None:
    """More trials would complete than there are said to be."""
    directory.open(oracle(rate, max_trials=3), trials=2)
    assert directory.open(oracle(rate, max_trials=5), trials=9) == ""
    history = simulation.history(str(directory.path))
    assert (len(history.trials), history.max_trials) == (5, 5)
    assert directory.open(oracle(rate, max_trials=5)) == ""


def test_fewer_trials_than_before_are_named(directory: Directory) -> None:
    """A search would be taken for one of so few trials."""
    directory.open(oracle(rate, max_trials=5), trials=9)
    said = directory.open(oracle(rate, max_trials=2), trials=9)
    assert "max_trials (was 5, is 2; an argument may have told it before)" in said
    assert "is finished, and stays as it is" in said
    assert len(simulation.history(str(directory.path)).trials) == 5


def test_study_of_an_earlier_version_tells_less() -> None:
    """A study whose journal does not tell could not be opened, or would be warned of."""

    old = History(opened={"kind": "opened", "max_trials": 3}, max_trials=3)
    now = shape.shape_of(oracle(rate))
    assert shape.explain_change(now, old, None) is None  # type: ignore[arg-type]
