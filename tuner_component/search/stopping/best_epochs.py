"""The result of a trial that ends where it is, by the epochs that it reported."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


def best_epochs(
    objective: Any, curves: Sequence[Mapping[str, Sequence[float | None]]]
) -> tuple[dict[str, float], int] | None:
    """What KerasTuner makes of the histories of a trial's trainings.

    Args:
        objective: Of the search.
        curves: By the number of the training, the values of each metric by epoch.

    Returns:
        The metrics after the best epoch, and its number from 0; of several trainings
        their means. None if no epoch has a finite value of the objective.
    """
    found = [best for curve in curves if (best := _best_epoch(objective, curve))]
    if not found:
        return None
    names = {name: None for metrics, _ in found for name in metrics}
    values = {name: [m[name] for m, _ in found if name in m] for name in names}
    means = {name: math.fsum(of) / len(of) for name, of in values.items()}
    return means, sum(epoch for _, epoch in found) // len(found)


def _best_epoch(
    objective: Any, curve: Mapping[str, Sequence[float | None]]
) -> tuple[dict[str, float], int] | None:
    best: tuple[dict[str, float], int] | None = None
    for epoch in range(max(map(len, curve.values()), default=0)):
        metrics = {
            name: value
            for name, values in curve.items()
            if epoch < len(values) and (value := values[epoch]) is not None
        }
        if not objective.has_value(metrics):
            continue
        value = float(objective.get_value(metrics))
        metrics.setdefault(objective.name, value)  # A sum of objectives has none.
        if math.isfinite(value) and (
            best is None or objective.better_than(value, best[0][objective.name])
        ):
            best = metrics, epoch
    return best
