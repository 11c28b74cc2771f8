"""Trials that a worker runs are kept apart from those that wait."""

import keras_tuner
import pytest

from tests.support import simulation
from tuner_component.search.errors import SearchError
from tuner_component.search.kerastuner.repairs import repair
from tuner_component.search.oracle.trials import OpenTrials


@pytest.fixture(name="oracle")
def _oracle() -> keras_tuner.Oracle:
    oracle = simulation.oracle("random")
    repair(oracle)
    for worker in "abc":
        oracle.create_trial(worker)
    return oracle


def test_first_come_first_served(oracle: keras_tuner.Oracle) -> None:
    """A trial could wait as long as there are others."""
    trials = OpenTrials(oracle, [])
    for trial_id in "10":
        trials.release(trial_id, waits=True)
    assert list(trials.waiting) == ["1", "0"]
    assert trials.take("d").trial_id == "1"
    assert trials.runs("1") and not trials.runs("0")


def test_one_that_all_others_wait_for_goes_first(oracle: keras_tuner.Oracle) -> None:
    """Those that wait before it would run one at a time."""
    trials = OpenTrials(oracle, [])
    trials.release("1", waits=True)
    trials.release("0", waits=True, goes_first=True)
    assert list(trials.waiting) == ["0", "1"]


def test_nothing_waits(oracle: keras_tuner.Oracle) -> None:
    """The oracle would not be asked for another trial."""
    assert OpenTrials(oracle, []).take("d") is None


def test_what_an_attempt_reported_is_forgotten(oracle: keras_tuner.Oracle) -> None:
    """It would be averaged into what the next one reports."""
    trials = OpenTrials(oracle, [])
    oracle.update_trial("0", {"score": 1.0})
    trials.release("0", waits=True)
    assert not trials.take("d").metrics.metrics


def test_a_trial_that_waits_can_be_claimed(oracle: keras_tuner.Oracle) -> None:
    """It could not be ended, and would be handed out after its end."""
    trials = OpenTrials(oracle, [])
    trials.release("0", waits=True)
    trials.claim("0")
    assert trials.runs("0") and not trials.waiting


def test_what_is_no_running_trial_is_explained(oracle: keras_tuner.Oracle) -> None:
    """Two workers would get one trial."""
    trials = OpenTrials(oracle, [])
    trials.release("0", waits=True)
    with pytest.raises(SearchError, match="waits for a worker"):
        trials.check_runs("0")
    with pytest.raises(SearchError, match="'9'"):
        trials.check_runs("9")
