"""The learning curves of the trials that are running, epoch by epoch.

They are kept in memory and journaled when a trial ends: a trial that goes on after a
crash reports the epochs again that its checkpoint restored.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner

from tuner_component.search.epochs import checked_epoch
from tuner_component.search.options import StoppingOptions
from tuner_component.search.stopping.rule import StoppingRule
from tuner_component.search.study.history import History

# What the curves of a trial may hold, gaps included.
_MOST_VALUES = 10_000_000

EpochListener = Callable[[str, int, int, Mapping[str, float]], None]
Curve = dict[str, list[float | None]]


class LearningCurves:
    """Collects what trials report after each epoch. Calls may come from any thread.

    Attributes:
        listener: Called as `listener(trial_id, fit, epoch, metrics)` for each epoch that
            is reported: the trial, the number of its training (executions, folds and
            phases count from 0), the number of the epoch, from 0, and Keras' logs. An
            epoch may come twice if a trial is run again. Must be quick.
    """

    def __init__(self, rule: StoppingRule | None = None) -> None:
        """Starts without any.

        Args:
            rule: Decides when a trial should be stopped; None never does.
        """
        self.listener: EpochListener | None = None
        self._rule = rule
        self._lock = threading.Lock()
        self._curves: dict[str, list[Curve]] = {}
        self._places: dict[str, int] = {}
        self._stopped: dict[str, dict[int, int]] = {}

    @classmethod
    def of(
        cls, options: StoppingOptions | None, oracle: keras_tuner.Oracle
    ) -> "LearningCurves":
        """The curves of a search with or without a stopping rule.

        Raises:
            ValueError: If the rule does not go together with the oracle.
            ImportError: If Optuna is not installed.
        """
        return cls(None if options is None else StoppingRule(options, oracle))

    def restore(self, history: History) -> None:
        """Learns what a study knows of trials that have ended."""
        if self._rule is not None:
            self._rule.restore(history)

    def begin(self, trial_id: str) -> None:
        """A trial is handed out: what it reported before, it will report again."""
        with self._lock:
            self._curves[trial_id] = []
            self._places[trial_id] = 0
            self._stopped[trial_id] = {}
            if self._rule is not None:
                self._rule.begin(trial_id)

    def report(
        self, trial_id: str, fit: int, epoch: int, metrics: Mapping[str, float]
    ) -> bool:
        """Adds an epoch.

        Args:
            trial_id: A trial that runs.
            fit: Number of the training within the trial.
            epoch: Number of the epoch within the training.
            metrics: The metrics after it.

        Returns:
            Whether the trial should be stopped now.

        Raises:
            TypeError: If this is no epoch: see `epochs.checked_epoch`.
            ValueError: If its numbers are out of all proportion.
        """
        fit, epoch, metrics = checked_epoch(fit, epoch, metrics)
        with self._lock:
            self._make_room(trial_id, fit, epoch, metrics)
            fits = self._curves.setdefault(trial_id, [])
            fits.extend({} for _ in range(fit + 1 - len(fits)))
            for name, value in metrics.items():
                values = fits[fit].setdefault(name, [])
                values.extend([None] * (epoch + 1 - len(values)))
                values[epoch] = value
            stop = self._decide(trial_id, fit, epoch, metrics)
        # Outside of the lock: a slow listener must not hold up the other trials.
        if self.listener is not None:
            self.listener(trial_id, fit, epoch, metrics)
        return stop

    def end(self, trial_id: str, status: str) -> dict[str, Any]:
        """A trial has ended for good.

        Args:
            trial_id: The trial, which is forgotten.
            status: How it ended.

        Returns:
            What the record of its end gains: `curves` has, for each training, the values
            of each metric by the number of the epoch, None where there was none.
            `stopped`, if a rule stopped it, has the name of the `rule`, and the first
            training (`fit`) and the `epoch` after which it did.
        """
        with self._lock:
            found: dict[str, Any] = {"curves": self._curves.pop(trial_id, [])}
            self._places.pop(trial_id, None)
            stopped = self._stopped.pop(trial_id, {})
            if self._rule is None:
                return found
            self._rule.end(trial_id, status, bool(stopped))
            if stopped:
                fit, epoch = min(stopped.items())
                found["stopped"] = {"rule": self._rule.name, "fit": fit, "epoch": epoch}
            return found

    def _make_room(
        self, trial_id: str, fit: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """Counts the places that an epoch takes, with those before it that are empty."""
        fits = self._curves.get(trial_id, [])
        curve = fits[fit] if fit < len(fits) else {}
        more = sum(max(0, epoch + 1 - len(curve.get(name, ()))) for name in metrics)
        places = self._places.get(trial_id, 0) + more
        if places > _MOST_VALUES:
            raise ValueError(
                f"Expected a trial to report at most {_MOST_VALUES:,} values. Received: "
                f"{places:,}, those of epochs that were left out included. Report fewer "
                "metrics, or less often."
            )
        self._places[trial_id] = places

    def _decide(
        self, trial_id: str, fit: int, epoch: int, metrics: Mapping[str, float]
    ) -> bool:
        if self._rule is None:
            return False
        stopped = self._stopped.setdefault(trial_id, {})
        # A training that goes on all the same was not stopped.
        stopped.pop(fit, None)
        if self._rule.should_stop(trial_id, fit, epoch, metrics):
            stopped[fit] = epoch
            return True
        return False
