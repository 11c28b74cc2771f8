"""Tells after every epoch of a training how it goes."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import keras

ReportEpoch = Callable[[str, int, int, dict[str, float]], bool]


class EpochReporter(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports every epoch of one training of a trial, once it has ended.

    Belongs behind the callbacks of the user, so that it sees the metrics that these add.

    Args:
        trial_id: The trial.
        number: Number of the training within the trial, from 0.
        report: Called as `report(trial_id, number, epoch, metrics)`; answers whether to
            stop.

    Attributes:
        stopped: Whether the answer to the last epoch was to stop.
        epochs: What was reported: pairs of an epoch and its metrics.
    """

    def __init__(self, trial_id: str, number: int, report: ReportEpoch) -> None:
        super().__init__()
        self.stopped = False
        self.epochs: list[tuple[int, dict[str, float]]] = []
        self._trial_id = trial_id
        self._number = number
        self._report = report

    def restore(self, epochs: list[Any]) -> None:
        """Reports again what another process that began this training reported."""
        for epoch, metrics in epochs:
            self._tell(epoch, metrics)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Reports the epoch, and ends the training if that is the answer."""
        self._tell(epoch, numbers(logs or {}))
        if self.stopped:
            self.model.stop_training = True

    def _tell(self, epoch: int, metrics: dict[str, float]) -> None:
        self.epochs.append((epoch, metrics))
        self.stopped = self._report(self._trial_id, self._number, epoch, metrics)


def numbers(logs: Mapping[str, Any]) -> dict[str, float]:
    """What of Keras' logs are single numbers, as Python's own."""
    found = {}
    for name, value in logs.items():
        with contextlib.suppress(TypeError, ValueError):
            found[str(name)] = float(value)
    return found
