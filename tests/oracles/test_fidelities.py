"""Trials that were trained for different numbers of epochs, kept apart."""

import math

from tuner_component.oracles.fidelities import Fidelities


def test_what_a_stopped_trial_would_have_come_to_is_estimated() -> None:
    """A sampler that knows of no stopped trials would take its value for its result."""
    known = Fidelities()
    for number, gain in enumerate((0.5, 1.0, 3.0)):
        known.learn(f"whole {number}", [9.0, 5.0, 5.0 - gain], None)
    known.learn("stopped", [8.0, 6.0], 2)
    assert known.estimate("stopped", 6.0) == 5.0
    assert known.estimate("whole 0", 4.5) == 4.5


def test_an_estimate_does_not_change_with_what_is_learned_later() -> None:
    """A resumed search, which knows all trials at once, would suggest something else."""
    known = Fidelities()
    known.learn("stopped", [6.0], 1)
    known.learn("whole", [9.0, 5.0], None)
    assert known.estimate("stopped", 6.0) == 6.0


def test_values_that_are_missing_estimate_nothing() -> None:
    """One training that reports late would make all estimates NaN."""
    known = Fidelities()
    known.learn("whole", [math.nan, 5.0, 4.0], None)
    known.learn("early", [6.0], 1)
    known.learn("later", [6.0, 6.0], 2)
    assert known.estimate("early", 6.0) == 6.0
    assert known.estimate("later", 6.0) == 5.0


def test_a_trial_that_is_stopped_after_its_last_epoch_was_trained_to_the_end() -> None:
    """It would be trained again, to come to the same."""
    known = Fidelities()
    known.learn("0", [9.0, 5.0], None)
    known.learn("1", [9.0, 6.0], 2)
    assert known.stopped == {}


def test_a_point_is_doubtful_until_it_was_tried_again() -> None:
    """A point that is stopped each time would be tried for ever."""
    known = Fidelities()
    known.learn("0", [6.0], 1)
    known.learn("1", [5.0, 4.0], None)
    points = {"0": "a", "1": "b"}
    assert known.untrusted(points) == ["0"]
    assert known.untrusted({**points, "2": "a"}) == []
