"""Bayesian optimisation guesses the scores of running trials sensibly."""

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
