"""What a trial says after each epoch, and the answer: whether to go on, pause or stop.

Trainings of Keras models that the hypermodel built say it by themselves, through a
callback. Loops of the user's own call `report_epoch`.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import keras

from tuner_component.search.epochs import Decision, checked_epoch


class ReportEpoch(Protocol):
    """Tells who owns the search of an epoch, and answers what becomes of the trial."""

    def __call__(
        self,
        trial_id: str,
        fit: int,
        epoch: int,
        metrics: dict[str, float],
        /,
        *,
        can_pause: bool = False,
        decided: bool = False,
    ) -> Decision:
        """Reports an epoch.

        Args:
            trial_id: The trial.
            fit: The number of its training.
            epoch: The number of the epoch.
            metrics: The metrics after it.
            can_pause: Whether the training can be saved and go on later.
            decided: Whether an oracle that pauses trials has nothing to decide: it has, at
                this epoch, or the training ends with it.
        """


# The same of the one trial that is running; epoch and training may be left open.
_ReportOfTrial = Callable[[dict[str, float], int | None, int | None], bool]

# A context variable: threads may search side by side, and a trial may be a search.
_report_of_trial: contextvars.ContextVar[_ReportOfTrial | None] = (
    contextvars.ContextVar("tuner_component_running_trial", default=None)
)


@contextlib.contextmanager
def sent_to(report: _ReportOfTrial) -> Iterator[None]:
    """Sends what `report_epoch` is called with inside to the trial that is running.

    Args:
        report: Called as `report(metrics, epoch, training)`; answers whether to stop.
    """
    token = _report_of_trial.set(report)
    try:
        yield
    finally:
        _report_of_trial.reset(token)


def report_epoch(
    metrics: Mapping[str, Any], epoch: int | None = None, training: int | None = None
) -> bool:
    """Reports an epoch of the running trial, and asks whether to stop it.

    For training loops of your own: `model.fit` of a Keras model that a hypermodel built
    reports by itself. Call it in the thread that runs the trial, after each epoch:

        for epoch in range(100):
            ...
            if report_epoch({"val_loss": loss}, epoch):
                break

    Args:
        metrics: The values of the metrics, among them the tuner's objective.
        epoch: The epoch's number, from 0; by default the one after that of the last call.
        training: Number of the training, from 0, in a trial that trains several times
            (executions, folds, phases), so that like is compared with like. By default
            the models that the trial built through its hypermodel are counted.

    Returns:
        Whether a stopping rule finds the trial hopeless. Then end the training and
        return what it has reached: the trial's result. Always False outside of a trial
        of this component, as in the stock Tuner.

    Raises:
        TypeError: If `metrics` is no mapping of names to numbers, or another argument no
            whole number.
        ValueError: If one is negative, or out of all proportion.
    """
    if not isinstance(metrics, Mapping) or len(found := numbers(metrics)) < len(
        metrics
    ):
        raise TypeError(
            "Expected metrics to be a dictionary of numbers by their names. Received: "
            f"{metrics!r}. Write report_epoch({{'val_loss': value}})."
        )
    # Of what is left open, the rest is checked where it is counted.
    fit, number, _ = checked_epoch(training or 0, epoch or 0, found)
    epoch = None if epoch is None else number
    training = None if training is None else fit
    report = _report_of_trial.get()
    return report is not None and report(found, epoch, training)


class EpochReporter(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports every epoch of one training of a trial, once it has ended.

    Must come after the callbacks of the user, so that it sees the metrics that these
    add.

    Args:
        trial_id: The trial.
        number: Number of the training within the trial, from 0.
        report: Told of the epochs.
        repeats: Whether it is trained again on the way to a later training of the trial.

    Attributes:
        stopped: Whether the answer to the last epoch was to stop.
        paused: Whether it was to pause.
        can_pause: Answers whether the training can be saved after this epoch.
        epochs: What was reported: pairs of an epoch and its metrics.
    """

    def __init__(
        self, trial_id: str, number: int, report: ReportEpoch, repeats: bool = False
    ) -> None:
        super().__init__()
        self.stopped = False
        self.paused = False
        self.can_pause: Callable[[], bool] = lambda: False
        self._repeats = repeats
        self.epochs: list[tuple[int, dict[str, float]]] = []
        self._trial_id = trial_id
        self._number = number
        self._report = report

    def restore(self, epochs: list[Any], pending: bool) -> None:
        """Reports again the epochs that another process reported of this training.

        Args:
            epochs: Pairs of an epoch and its metrics.
            pending: Whether it was to stop or to pause after the last one. That is asked
                again: no one may have heard of it but that process.
        """
        for epoch, metrics in epochs[:-1]:
            self._tell(epoch, metrics, decided=True)
        can_pause = pending and self.can_pause()
        for epoch, metrics in epochs[-1:]:
            self._tell(epoch, metrics, can_pause=can_pause, decided=not pending)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Reports the epoch, and ends the training if that is the answer."""
        ends = self.model.stop_training or epoch + 1 >= self.params["epochs"]
        can_pause = not ends and self.can_pause()
        decided = ends or self._repeats
        self._tell(epoch, numbers(logs or {}), can_pause=can_pause, decided=decided)
        if self.stopped:
            self.model.stop_training = True

    def stop(self) -> None:
        """Ends the training, which should have paused."""
        self.stopped, self.paused = True, False
        self.model.stop_training = True

    def _tell(self, epoch: int, metrics: dict[str, float], **how: bool) -> None:
        _, epoch, metrics = checked_epoch(self._number, epoch, metrics)
        self.epochs.append((epoch, metrics))
        decision = self._report(self._trial_id, self._number, epoch, metrics, **how)
        self.stopped = decision is Decision.STOP
        self.paused = decision is Decision.PAUSE


def numbers(logs: Mapping[str, Any]) -> dict[str, float]:
    """What of Keras' logs are single numbers, as Python's own."""
    found = {}
    for name, value in logs.items():
        with contextlib.suppress(TypeError, ValueError):
            found[str(name)] = float(value)
    return found
