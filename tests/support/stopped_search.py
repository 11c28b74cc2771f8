"""Searches with a stopping rule on trials that cost nothing: curves come from values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.support import simulation
from tuner_component.search.options import StoppingOptions
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.study.study import Study

Curve = Callable[[dict[str, Any]], Sequence[float]]


def search(
    directory: Path,
    oracle: Any,
    options: StoppingOptions | None,
    curve: Curve,
    trials: int = 999,
) -> list[tuple[dict[str, Any], int]]:
    """Runs trials one after the other until the search ends, or so many of them.

    Args:
        directory: The study's; a study that is there goes on.
        oracle: Fresh.
        options: The stopping rule.
        curve: The score after each epoch, by the trial's values.
        trials: How many at most.

    Returns:
        For each trial its values and how many epochs it was trained for.
    """
    found = []
    with Study.open(str(directory), simulation.FINGERPRINT) as study:
        epochs = LearningCurves.of(options, oracle)
        durable = DurableOracle.open(oracle, study, epochs=epochs)
        while len(found) < trials:
            trial = durable.create_trial("worker")
            if trial.status != "RUNNING":
                break
            values = dict(trial.hyperparameters.values)
            scores: list[float] = []
            for epoch, score in enumerate(curve(values)):
                scores.append(score)
                if epochs.report(trial.trial_id, 0, epoch, {"score": score}):
                    break
            durable.update_trial(trial.trial_id, {"score": min(scores)})
            trial.status = "COMPLETED"
            durable.end_trial(trial)
            found.append((values, len(scores)))
    return found
