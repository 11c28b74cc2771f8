"""Seeds that follow from the study's."""

import random
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from tuner_component.search.training import seeding


def test_trial_seeds_stay_what_they_are() -> None:
    """A study resumed under a newer release would train with other seeds."""
    assert seeding.trial_seed(7, "0003") == 376193479
    assert seeding.build_seed(376193479, run=0, build=1) == 1712485744


def test_seeds_of_trials_runs_and_builds_differ() -> None:
    """Several executions of a trial would be one execution, repeated."""
    trials = [seeding.trial_seed(study, t) for study in (0, 1) for t in ("0", "1")]
    builds = [
        seeding.build_seed(trial, run, build)
        for trial in trials
        for run in range(3)
        for build in range(3)
    ]
    assert len({*trials, *builds}) == len(trials) + len(builds)
    assert all(0 < seed < 2**31 for seed in trials + builds)


def draws() -> tuple[Any, ...]:
    layer = keras.layers.Dense(2)
    layer.build((None, 2))
    noise = keras.random.normal((2,), seed=keras.random.SeedGenerator())
    kernel = layer.kernel.numpy().tolist()
    return random.random(), np.random.random(), kernel, np.array(noise).tolist()


def test_everything_is_seeded() -> None:
    """Weights, dropout or shuffling would differ between two runs of a trial."""
    seeding.seed_everything(5)
    first = draws()
    seeding.seed_everything(5)
    assert draws() == first
    seeding.seed_everything(6)
    assert draws() != first


def oracle_seed(study_seed: int, seed: int | None = None) -> int:
    with seeding.seeded_construction(study_seed):
        oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=1, seed=seed)
    found: int = oracle.seed
    return found


def test_an_oracle_without_a_seed_takes_the_studys() -> None:
    """The same study would suggest other trials each time, and each worker others."""
    assert oracle_seed(1) == oracle_seed(1)
    assert len({oracle_seed(seed) for seed in range(5)}) == 5


def test_an_oracle_with_a_seed_keeps_it() -> None:
    """The user's own seed would be overruled."""
    assert oracle_seed(1, seed=42) == 42


def test_construction_leaves_the_generators_as_they_were() -> None:
    """What the pipeline draws afterwards would depend on the search."""
    random.seed(3)
    np.random.seed(3)
    expected = random.random(), np.random.random()
    random.seed(3)
    np.random.seed(3)
    with pytest.raises(KeyError), seeding.seeded_construction(1):
        raise KeyError
    assert (random.random(), np.random.random()) == expected


class Noise(keras_tuner.Tuner):  # type: ignore[misc]
    """A custom tuner that builds no model."""

    def run_trial(self, trial: Any, **kwargs: Any) -> float:
        trial.hyperparameters.Float("x", 0, 1)
        return random.random() + float(np.random.random())


def test_a_tuner_without_hypermodel_is_seeded(tmp_path: Path) -> None:
    """Only Keras models would be repeatable."""
    from tuner_component.search.training.instrument import instrument

    scores = []
    for name in ("a", "b"):
        oracle = keras_tuner.oracles.RandomSearchOracle(
            keras_tuner.Objective("score", "min"), max_trials=3, seed=1
        )
        tuner = Noise(oracle, directory=tmp_path / name)
        instrument(tuner, str(tmp_path / name), 9)
        tuner.search(verbose=0)
        scores.append([trial.score for trial in tuner.oracle.trials.values()])
    assert scores[0] == scores[1]
    assert len(set(scores[0])) == 3
