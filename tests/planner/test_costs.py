"""How long an epoch takes at a configuration."""

from __future__ import annotations

import numpy as np

from tuner_component.planner.costs import Costs


def test_it_learns_what_makes_epochs_long() -> None:
    """A model that trains four times as long would count like any other."""
    vectors = np.random.default_rng(0).random((30, 3))
    costs = Costs(vectors, 2.0 * 10.0 ** vectors[:, 1])
    cheap, dear = costs.predict(np.array([[0.5, 0.0, 0.5], [0.5, 1.0, 0.5]]))
    assert 5.0 < dear / cheap < 12.0


def test_it_expects_no_more_than_was_seen_twofold() -> None:
    """One odd second would make half of the space look free of cost."""
    costs = Costs(np.array([[0.0], [0.1]]), np.array([1.0, 2.0]))
    assert 0.5 <= costs.predict(np.array([[-9.0]]))[0]
    assert costs.predict(np.array([[9.0]]))[0] <= 4.0 + 1e-9


def test_without_seconds_all_cost_the_same() -> None:
    """A search without a clock would divide by nothing."""
    seconds = np.array([np.nan, np.nan])
    assert Costs(np.eye(2), seconds).predict(np.eye(2)).tolist() == [1.0, 1.0]
