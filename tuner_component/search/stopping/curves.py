"""The learning curves of the trials that are running, epoch by epoch.

They are kept in memory and journaled when a trial ends: a trial that goes on after a
crash reports the epochs again that its checkpoint restored.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner

from tuner_component.search.epochs import checked_epoch
from tuner_component.search.goals.goals import Goals
from tuner_component.search.options import StoppingOptions
from tuner_component.search.stopping.rule import StoppingRule
from tuner_component.search.study.history import History
from tuner_component.search.study.requests import BY_REQUEST

# What the curves of a trial may hold, gaps included.
_MOST_VALUES = 10_000_000

# In place of a rule's name, where it was the oracle that stopped a trial.
BY_ORACLE = "oracle"

EpochListener = Callable[[str, int, int, Mapping[str, float]], None]
Curve = dict[str, list[float | None]]


class LearningCurves:
    """Collects what trials report after each epoch. Calls may come from any thread.

    Attributes:
        listener: Called as `listener(trial_id, fit, epoch, metrics)` for each epoch that
            is reported: the trial, the number of its training (executions, folds and
            phases count from 0), the number of the epoch, from 0, and Keras' logs. An
            epoch may come twice if a trial is run again. Must be quick.
        goals: What the trials are compared by; None for the objective alone.
    """

    def __init__(
        self, rule: StoppingRule | None = None, goals: Goals | None = None
    ) -> None:
        """Starts without any.

        Args:
            rule: Decides when a trial should be stopped; None never does.
            goals: See above.
        """
        self.goals = goals
        self.listener: EpochListener | None = None
        self._rule = rule
        self._lock = threading.Lock()
        self._curves: dict[str, list[Curve]] = {}
        self._places: dict[str, int] = {}
        # By the number of the training: what has stopped it, and after which epoch.
        self._stopped: dict[str, dict[int, tuple[str, int]]] = {}
        # How many epochs of a training the oracle has decided about, and up to the pause
        # that is journaled; and the parts of that record of trials that are paused.
        self._decided: dict[str, int] = {}
        self._kept: dict[str, int] = {}
        self._paused: dict[str, dict[str, Any]] = {}
        # Trials that are trained to the end, whatever others do.
        self._exempt: set[str] = set()
        # Trials that somebody wants to end.
        self._unwanted: set[str] = set()

    @classmethod
    def of(
        cls,
        options: StoppingOptions | None,
        oracle: keras_tuner.Oracle,
        goals: Goals | None = None,
    ) -> "LearningCurves":
        """The curves of a search with or without a stopping rule, and with its goals.

        Raises:
            ValueError: If the rule does not go together with the oracle.
            ImportError: If Optuna is not installed.
        """
        rule = None if options is None else StoppingRule(options, oracle, goals)
        return cls(rule, goals)

    def restore(self, history: History) -> None:
        """Learns what a study knows of trials that have ended, or are paused."""
        for trial_id, trial in history.trials.items():
            if trial.ended is None and (last := trial.last_pause):
                self._kept[trial_id] = last["stopped"]["epoch"] + 1
            if pause := trial.pause:
                told = {"curves": pause["curves"], "stopped": pause["stopped"]}
                self._paused[trial_id] = told
        if self._rule is not None:
            self._rule.restore(history)

    def begin(self, trial_id: str, *, judged: bool = True) -> None:
        """A trial is handed out: what it reported before, it will report again.

        Args:
            trial_id: The trial.
            judged: Whether the rule, or the oracle, may end it or have it pause.
        """
        with self._lock:
            self._curves[trial_id] = []
            self._places[trial_id] = 0
            self._stopped[trial_id] = {}
            self._paused.pop(trial_id, None)
            self._decided[trial_id] = self._kept.get(trial_id, 0)
            if not judged:
                self._exempt.add(trial_id)
            elif self._rule is not None:
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

    def is_to_be_decided(
        self, trial_id: str, epochs: int, *, decided: bool = False
    ) -> bool:
        """Whether the oracle should be asked about a trial with so many epochs.

        It is asked once, though the trial may come this way again: after a death or a
        pause, or in another one of its trainings.

        Args:
            trial_id: A trial that runs.
            epochs: How many its training has.
            decided: Whether what becomes of it is known to be decided.
        """
        with self._lock:
            if trial_id in self._exempt or epochs <= self._decided.get(trial_id, 0):
                return False
            self._decided[trial_id] = epochs
            return not decided

    def of_training(self, trial_id: str, fit: int) -> Curve:
        """What was reported of one training of a trial that runs; nothing perhaps."""
        with self._lock:
            fits = self._curves.get(trial_id, [])
            curve = fits[fit] if fit < len(fits) else {}
            return {name: list(values) for name, values in curve.items()}

    def stop(self, trial_id: str) -> None:
        """Has a trial that has not ended stop after the next epoch that it reports."""
        with self._lock:
            self._unwanted.add(trial_id)
            if paused := self._paused.get(trial_id):
                stopped = {**paused["stopped"], "rule": BY_REQUEST}
                self._paused[trial_id] = {**paused, "stopped": stopped}

    @property
    def unwanted(self) -> frozenset[str]:
        """The trials that were told to `stop`, and have not ended."""
        return frozenset(self._unwanted)

    def stopped_by_oracle(self, trial_id: str, fit: int, epoch: int) -> None:
        """The oracle wants a trial to stop, or to pause, after this epoch."""
        with self._lock:
            self._stopped.setdefault(trial_id, {})[fit] = BY_ORACLE, epoch

    def may_pause(self, trial_id: str) -> bool:
        """Whether a trial that runs was told to pause."""
        with self._lock:
            rules = {rule for rule, _ in self._stopped.get(trial_id, {}).values()}
            return rules == {BY_ORACLE}

    def pause(self, trial_id: str) -> dict[str, Any]:
        """A trial that was told to pause does so: see `may_pause`.

        Returns:
            What the record of that has: `curves` and `stopped`, as `end` would say if the
            trial ended now.
        """
        with self._lock:
            stopped = self._stopping(trial_id)
            told = {"curves": self._curves.pop(trial_id, []), "stopped": stopped}
            self._places.pop(trial_id, None)
            self._kept[trial_id] = stopped["epoch"] + 1
            self._paused[trial_id] = told
            return told

    def is_paused(self, trial_id: str) -> bool:
        """Whether a trial is paused."""
        return trial_id in self._paused

    def of_paused(self, trial_id: str) -> list[Curve]:
        """What the trainings of a trial reported that is paused."""
        curves: list[Curve] = self._paused[trial_id]["curves"]
        return curves

    def end(self, trial_id: str, status: str) -> dict[str, Any]:
        """A trial has ended for good.

        Args:
            trial_id: The trial, which is forgotten.
            status: How it ended.

        Returns:
            What the record of its end gains: `curves` has, for each training, the values
            of each metric by the number of the epoch, None where there was none.
            `stopped`, if a rule stopped it, has the name of the `rule`, and the first
            training (`fit`) and the `epoch` after which it did. ("oracle" stands for the
            oracle: that it was not gone on with after a pause, for one. "request" does for
            somebody who has asked for it.)
        """
        with self._lock:
            found = self._paused.pop(trial_id, None)
            if found is None:
                found = {"curves": self._curves.pop(trial_id, [])}
                if self._stopped.get(trial_id):
                    found["stopped"] = self._stopping(trial_id)
            for known in (self._places, self._stopped, self._decided, self._kept):
                known.pop(trial_id, None)
            self._unwanted.discard(trial_id)
            if trial_id in self._exempt:
                self._exempt.discard(trial_id)
            elif self._rule is not None:
                self._rule.end(trial_id, status, "stopped" in found)
            return found

    def _stopping(self, trial_id: str) -> dict[str, Any]:
        """What stopped a trial, and where: the first training that was."""
        fit, (rule, epoch) = min(self._stopped.pop(trial_id).items())
        return {"rule": rule, "fit": fit, "epoch": epoch}

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
        stopped = self._stopped.setdefault(trial_id, {})
        # A training that goes on all the same was not stopped.
        stopped.pop(fit, None)
        if trial_id in self._unwanted:
            stopped[fit] = BY_REQUEST, epoch
            return True
        if self._rule is None or trial_id in self._exempt:
            return False
        if self._rule.should_stop(trial_id, fit, epoch, metrics):
            stopped[fit] = self._rule.name, epoch
            return True
        return False
