"""The curves of the trials that are running, epoch by epoch.

They are kept in memory and journaled when a trial ends: a trial that goes on after a
crash reports the epochs again that its checkpoint restored.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

EpochListener = Callable[[str, int, int, Mapping[str, float]], None]
Curve = dict[str, list[float | None]]


class EpochBook:
    """Takes down what trials report after each epoch. Calls may come from any thread.

    Attributes:
        listener: Called as `listener(trial_id, fit, epoch, metrics)` for each epoch that
            is reported: the trial, the number of its training (executions, folds and
            phases count from 0), the number of the epoch, from 0, and Keras' logs. An
            epoch may come twice where a trial is run again. Must be quick.
    """

    def __init__(self) -> None:
        self.listener: EpochListener | None = None
        self._lock = threading.Lock()
        self._curves: dict[str, list[Curve]] = {}

    def begin(self, trial_id: str) -> None:
        """A trial is handed out: what it reported before, it will report again."""
        with self._lock:
            self._curves[trial_id] = []

    def report(
        self, trial_id: str, fit: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """Takes down an epoch.

        Args:
            trial_id: A trial that runs.
            fit: Number of the training within the trial.
            epoch: Number of the epoch within the training.
            metrics: The metrics after it.
        """
        with self._lock:
            fits = self._curves.setdefault(trial_id, [])
            fits.extend({} for _ in range(fit + 1 - len(fits)))
            for name, value in metrics.items():
                values = fits[fit].setdefault(name, [])
                values.extend([None] * (epoch + 1 - len(values)))
                values[epoch] = value
        if self.listener is not None:
            self.listener(trial_id, fit, epoch, metrics)

    def curves(self, trial_id: str) -> list[Curve]:
        """The curves of a trial that runs: see `end`."""
        with self._lock:
            return [
                {name: list(values) for name, values in fit.items()}
                for fit in self._curves.get(trial_id, [])
            ]

    def end(self, trial_id: str) -> dict[str, Any]:
        """Forgets a trial.

        Returns:
            What the record of its end gains: `curves` has, for each training, the values
            of each metric by the number of the epoch, None where there was none.
        """
        with self._lock:
            return {"curves": self._curves.pop(trial_id, [])}
