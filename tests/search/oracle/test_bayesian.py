"""Bayesian optimisation suggests the same again after a resume."""

import math
from typing import Any

import keras_tuner
import pytest
from keras_tuner.oracles import BayesianOptimizationOracle

from tuner_component.search.oracle.bayesian import ResumableBayesian


def oracle_with_running_trial(cls: type, tmp_path: Any) -> Any:
    """Four scores near 1000, and a trial in flight."""
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0, 1)
    oracle = cls(keras_tuner.Objective("s", "min"), 20, 4, hyperparameters=hp, seed=3)
    oracle._set_project_dir(str(tmp_path), "p")
    oracle.verbose = 0
    for _ in range(4):
        trial = oracle.create_trial("w0")
        value = 1000 + trial.hyperparameters.values["x"]
        oracle.update_trial(trial.trial_id, {"s": value})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    trial = oracle.create_trial("w1")
    oracle.gpr = oracle._make_gpr()  # As after a resume.
    return oracle


def test_running_trial_is_expected_to_score_like_the_others(tmp_path: Any) -> None:
    """After a resume, the search would go where a trial already runs."""
    mended = oracle_with_running_trial(ResumableBayesian, tmp_path)
    _, scores = mended._vectorize_trials()
    assert len(scores) == 5
    assert scores[-1] == pytest.approx(1000, abs=3)
    assert mended.ongoing_trials.keys() == {"w1"}
    assert len(mended.trials) == 5
    assert mended.create_trial("w2").status == "RUNNING"


def test_kerastuner_still_has_the_fault(tmp_path: Any) -> None:
    """The mended oracle would have outlived its purpose."""
    theirs = oracle_with_running_trial(BayesianOptimizationOracle, tmp_path)
    assert theirs._vectorize_trials()[1][-1] < 10


def suggestions(cls: type, tmp_path: Any) -> set[float]:
    """What follows the same trials, but for the last bit of a score."""
    found = set()
    for nudged in range(4):
        hp = keras_tuner.HyperParameters()
        hp.Float("x", 0, 1)
        objective = keras_tuner.Objective("s", "min")
        # It looks where it knows the scores, not at an end of the range.
        oracle = cls(objective, 20, 4, beta=0.5, hyperparameters=hp, seed=3)
        oracle._set_project_dir(str(tmp_path / f"{cls.__name__}{nudged}"), "p")
        oracle.verbose = 0
        for number in range(4):
            trial = oracle.create_trial("w")
            score = (trial.hyperparameters.values["x"] - 0.3) ** 2
            if number == nudged:
                score = math.nextafter(score, math.inf)
            oracle.update_trial(trial.trial_id, {"s": score})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
        found.add(oracle.create_trial("w").hyperparameters.values["x"])
    return found


def test_last_bits_do_not_count(tmp_path: Any) -> None:
    """Another CPU, or another build of numpy, would end a resumed search elsewhere."""
    (mended,) = suggestions(ResumableBayesian, tmp_path)
    theirs = suggestions(BayesianOptimizationOracle, tmp_path)
    assert mended == pytest.approx(min(theirs), abs=1e-5)
    # Else the mended oracle has outlived its purpose.
    assert len(theirs) > 1


def test_rounded_point_stays_in_the_space() -> None:
    """The ends of a range could not be tried, or something beyond them would be."""
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
    hp.Int("units", 1, 64)
    hp.Choice("kind", ["a", "b", "c"])
    hp.Fixed("version", 7)
    oracle = ResumableBayesian(keras_tuner.Objective("s", "min"), hyperparameters=hp)
    least = oracle._vector_to_values([1e-9, 1e-9, 1e-9])
    assert least == {"rate": 1e-4, "units": 1, "kind": "a", "version": 7}
    most = oracle._vector_to_values([1 - 1e-9, 1 - 1e-9, 1 - 1e-9])
    assert most.pop("rate") == pytest.approx(1e-1)
    assert most == {"units": 64, "kind": "c", "version": 7}
