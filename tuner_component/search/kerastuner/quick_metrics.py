"""What a trial measures, as KerasTuner keeps it, but quicker to look at.

At each report, and three times when a trial ends, KerasTuner has NumPy work out the mean of
each step's values and the best of these. Nearly always each step has one value; then that
was a tenth of what a trial costs the process that has the oracle.
"""

import math
from typing import Any

import numpy as np
from keras_tuner.src.engine import metrics_tracking


class QuickMetrics(metrics_tracking.MetricsTracker):  # type: ignore[misc]
    """The metrics of a trial."""

    def register(self, name: str, direction: str | None = None) -> None:
        """Takes up a metric."""
        super().register(name, direction)
        history = self.metrics[name]
        if type(history) is metrics_tracking.MetricHistory:
            history.__class__ = _QuickHistory


class _QuickHistory(metrics_tracking.MetricHistory):  # type: ignore[misc]
    """The values of one metric."""

    def get_best_value(self) -> Any:
        """The best of the steps' means; a step that is no number does not count."""
        means = [_mean(step) for step in self._observations.values()]
        numbers = [mean for mean in means if not math.isnan(mean)]
        if not numbers:
            return np.float64("nan") if means else None
        return np.float64(min(numbers) if self.direction == "min" else max(numbers))

    def get_best_step(self) -> Any:
        """The first step that has it; None if there is none."""
        best = self.get_best_value()
        steps = self._observations.values()
        return next((step.step for step in steps if _mean(step) == best), None)


def _mean(observation: Any) -> Any:
    """The mean of the values of a step."""
    values = observation.value
    return values[0] if len(values) == 1 else observation.mean()
