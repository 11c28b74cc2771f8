"""How a trial with a loop of its own says how it goes."""

import contextlib
import contextvars
from collections.abc import Iterator, Mapping
from typing import Any

from tuner_component.search.training.epoch_reports import numbers
from tuner_component.search.training.trial_run import TrialRun

_running: contextvars.ContextVar[TrialRun | None] = contextvars.ContextVar(
    "tuner_component_running_trial", default=None
)


@contextlib.contextmanager
def running(run: TrialRun) -> Iterator[None]:
    """Makes a trial the one that `report_epoch` reports for."""
    token = _running.set(run)
    try:
        yield
    finally:
        _running.reset(token)


def report_epoch(
    metrics: Mapping[str, Any], epoch: int | None = None, training: int | None = None
) -> bool:
    """Reports an epoch of the trial that is being run, and asks whether to go on.

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
        TypeError: If `metrics` is no mapping of names to numbers.
    """
    if not isinstance(metrics, Mapping) or len(found := numbers(metrics)) < len(
        metrics
    ):
        raise TypeError(
            "Expected metrics to be a dictionary of numbers by their names. Received: "
            f"{metrics!r}. Write report_epoch({{'val_loss': value}})."
        )
    run = _running.get()
    return run is not None and run.report_epoch(found, epoch, training)
