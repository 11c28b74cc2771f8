"""Metrics that are quicker than KerasTuner's, and the same."""

import math
from typing import Any

import pytest
from keras_tuner.src.engine.metrics_tracking import MetricsTracker

from tests.support import simulation
from tuner_component.search.kerastuner.quick_metrics import QuickMetrics
from tuner_component.search.kerastuner.repairs import repair

REPORTS = [
    [],
    [(0.5, 0)],
    [(0.5, 0), (0.25, 1), (0.75, 2)],
    [(0.25, 0), (0.25, 1)],
    [(0.1, 0), (0.2, 0), (0.3, 1), (0.7, 1)],
    [(math.nan, 0), (0.5, 1)],
    [(math.nan, 0)],
    [(math.inf, 0), (-math.inf, 1), (0.5, 2)],
    [(math.inf, 0), (-math.inf, 0), (0.5, 2)],
    [(3, 2.5), (0.0, 1), (-0.0, 0)],
]


@pytest.mark.filterwarnings("ignore:.*NaN.*:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("direction", ["min", "max"])
@pytest.mark.parametrize("reports", REPORTS)
def test_they_say_what_kerastuners_say(
    direction: str, reports: list[tuple[Any, Any]]
) -> None:
    """A trial would have another score, or another best epoch."""
    told = []
    for tracker in (MetricsTracker(), QuickMetrics()):
        tracker.register("score", direction)
        improved = [tracker.update("score", value, step) for value, step in reports]
        told.append(
            (
                repr(improved),
                repr(tracker.get_config()),
                repr(tracker.get_best_step("score")),
                repr(tracker.get_best_value("score")),
                type(tracker.get_best_value("score")),
            )
        )
    assert told[0] == told[1]


def test_a_repaired_oracles_trials_have_them() -> None:
    """A tenth of what a trial costs would be for the mean of one value."""
    oracle = simulation.oracle("random")
    repair(oracle)
    trial = oracle.create_trial("w")
    assert type(trial.metrics) is QuickMetrics
    oracle.update_trial(trial.trial_id, {"score": 1.0})
    assert "Quick" in type(trial.metrics.metrics["score"]).__name__
    assert type(trial.metrics.from_config(trial.metrics.get_config())) is QuickMetrics
