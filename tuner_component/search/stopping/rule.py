"""Rules that end a trial before its last epoch, on Optuna's pruners.

Each training of a trial (execution, fold, phase) is compared with the trainings of the
same number in other trials. What is compared is the best value so far: it is what the
trial would score if it were stopped. (Patience looks at the values themselves.)

A rule compares trials by what they have come to so far, and may be wrong about a curve that
starts slowly. So an oracle may suggest the point of a stopped trial again: it is trained to
the end then.

A rule's state follows from the curves alone, so it is rebuilt from the journal.
"""

import logging
import math
from collections.abc import Mapping, Sequence

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.goals.front import Point
from tuner_component.search.goals.goals import Goals
from tuner_component.search.options import StoppingOptions
from tuner_component.search.stopping.front_pruner import FrontPruner
from tuner_component.search.stopping.pruner import Pruner
from tuner_component.search.stopping.service_pruner import ServicePruner, ask_service
from tuner_component.search.study.history import History

# Their decisions depend on which trials got to which rung.
_WITH_RUNGS = ("asha", "hyperband")

_LOG = logging.getLogger(__name__)


def is_final(rule: str) -> bool:
    """Whether the value of a trial that a rule stopped is its result.

    Patience stops what no longer improves. All other rules stop what is worse than other
    trials so far: what it would have come to is not known.
    """
    return rule == "patience"


class StoppingRule:
    """Answers, after each epoch of a trial, whether the trial should be stopped.

    For a given order of calls the answers are always the same.
    """

    def __init__(
        self,
        options: StoppingOptions,
        oracle: keras_tuner.Oracle,
        goals: Goals | None = None,
    ) -> None:
        """Prepares a rule.

        Args:
            options: The rule and its parameters.
            oracle: Of the search: its objective is what is compared.
            goals: Of the search, if more than the objective is compared.

        Raises:
            ValueError: If the oracle stops trials by itself.
        """
        _check(options, oracle)
        self.name = options.rule
        self._options = options
        self._oracle = oracle
        self._objective = oracle.objective
        self._goals = None if goals is None or goals.is_plain else goals
        # By the number of the training. The first one is made here: an option that Optuna
        # refuses is found now and not at the first epoch.
        self._pruners: dict[int, Pruner | FrontPruner | ServicePruner]
        self._pruners = {0: self._new_pruner(0)}
        self._best: dict[tuple[str, int], float] = {}
        # With goals: what was reported after the best epoch so far.
        self._best_points: dict[tuple[str, int], Point] = {}
        self._completed = 0
        # Points whose trials were stopped, and trials that are at such a point again.
        self._doubtful: set[str] = set()
        self._second_tries: set[str] = set()
        self._warned = False

    def restore(self, history: History) -> None:
        """Puts the rule where it was.

        Args:
            history: Of the study; trials that had not ended will report again.
        """
        for trial_id, trial in history.trials.items():
            told = trial.ended or trial.pause
            if told is None:
                continue
            for fit, curve in enumerate(told.get("curves", [])):
                self._replay(trial_id, fit, curve)
            if trial.ended is None:
                continue
            stopped = "stopped" in trial.ended
            self.end(trial_id, trial.ended["status"], stopped)

    def begin(self, trial_id: str) -> None:
        """A trial starts: what another attempt at it reported does not count."""
        for fit, pruner in self._pruners.items():
            pruner.forget(trial_id)
            self._drop_best(trial_id, fit)
        if self._point(trial_id) in self._doubtful:
            self._second_tries.add(trial_id)

    def should_stop(
        self, trial_id: str, fit: int, epoch: int, metrics: Mapping[str, float]
    ) -> bool:
        """Takes an epoch's metrics and decides.

        Args:
            trial_id: A trial that runs.
            fit: Number of the training within the trial, from 0.
            epoch: Number of the epoch within the training, from 0.
            metrics: The metrics after it.
        """
        if not self._objective.has_value(metrics):
            self._warn(metrics)
            return False
        value = self._note(trial_id, fit, epoch, metrics)
        if math.isnan(value) and self._goals is not None:
            return epoch + 1 >= self._options.grace_epochs  # It is at no point.
        # Asked after every epoch, even if the answer does not count yet: it is by being
        # asked about a trial that a pruner with rungs puts it onto the next one.
        hopeless = self._pruners[fit].hopeless(trial_id)
        if epoch + 1 < self._options.grace_epochs:
            return False
        if math.isnan(value):
            return True  # It has diverged; no rule would find it promising.
        if trial_id in self._second_tries:
            return False
        return hopeless and self._completed >= self._options.warmup

    def end(self, trial_id: str, status: str, stopped: bool) -> None:
        """A trial has ended for good, as the oracle's `status` says."""
        complete = status == trial_lib.TrialStatus.COMPLETED and not stopped
        self._completed += complete
        for fit, pruner in self._pruners.items():
            pruner.end(trial_id, complete)
            self._drop_best(trial_id, fit)
        self._second_tries.discard(trial_id)
        point = self._point(trial_id)
        if stopped and point is not None and not is_final(self.name):
            self._doubtful.add(point)

    def _drop_best(self, trial_id: str, fit: int) -> None:
        self._best.pop((trial_id, fit), None)
        self._best_points.pop((trial_id, fit), None)

    def _point(self, trial_id: str) -> str | None:
        """What all trials at one point share; None if the oracle does not have it."""
        trial = self._oracle.trials.get(trial_id)
        if trial is None:
            return None
        return str(self._oracle._compute_values_hash(trial.hyperparameters.values))

    def _new_pruner(self, fit: int) -> Pruner | FrontPruner | ServicePruner:
        if self.name == "service":
            return ServicePruner(self._oracle)
        if self._goals is not None:
            return FrontPruner(self._options)
        return Pruner(self._options, self._objective.direction, f"fit-{fit}")

    def _replay(
        self, trial_id: str, fit: int, curve: Mapping[str, Sequence[float | None]]
    ) -> None:
        """Takes the epochs of a trial that has ended, as when they were reported."""
        for epoch in range(max(map(len, curve.values()), default=0)):
            metrics = {
                name: value
                for name, values in curve.items()
                if epoch < len(values) and (value := values[epoch]) is not None
            }
            if self._objective.has_value(metrics):
                value = self._note(trial_id, fit, epoch, metrics)
                nowhere = math.isnan(value) and self._goals is not None
                if self.name in _WITH_RUNGS and not nowhere:
                    self._pruners[fit].hopeless(trial_id)

    def _note(
        self, trial_id: str, fit: int, epoch: int, metrics: Mapping[str, float]
    ) -> float:
        """Takes down the objective's value and returns it."""
        if fit not in self._pruners:
            self._pruners[fit] = self._new_pruner(fit)
        value, pruner = float(self._objective.get_value(metrics)), self._pruners[fit]
        if not isinstance(pruner, FrontPruner):
            pruner.report(trial_id, epoch + 1, self._judged(trial_id, fit, value))
            return value
        told = {**metrics, self._objective.name: value}
        if (judged := self._judged_point(trial_id, fit, value, told)) is None:
            return math.nan
        pruner.report(trial_id, epoch + 1, judged)
        return value

    def _judged(self, trial_id: str, fit: int, value: float) -> float:
        """What the rule looks at."""
        if self.name == "patience" or math.isnan(value):
            return value
        better = min if self._objective.direction == "min" else max
        best = better(self._best.get((trial_id, fit), value), value)
        self._best[trial_id, fit] = best
        return best

    def _judged_point(
        self, trial_id: str, fit: int, value: float, metrics: Mapping[str, float]
    ) -> Point | None:
        """What the rule looks at with goals: what the trial would come to if it ended.

        None if an objective is not finite.
        """
        point = self._goals.point(metrics) if self._goals else None
        if point is None or self.name == "patience":
            return point
        best = self._best.get((trial_id, fit))
        if best is None or self._objective.better_than(value, best):
            self._best[trial_id, fit] = value
            self._best_points[trial_id, fit] = point
        return self._best_points[trial_id, fit]

    def _warn(self, metrics: Mapping[str, float]) -> None:
        if not self._warned:
            self._warned = True
            _LOG.warning(
                "No trial is stopped early: expected the objective %r among the metrics "
                "of an epoch. Received: %s. Report it: `report_epoch({%r: value})`.",
                *(self._objective.name, sorted(metrics), self._objective.name),
            )


def _check(options: StoppingOptions, oracle: keras_tuner.Oracle) -> None:
    if options.rule == "service":
        ask_service(oracle)
    own = isinstance(oracle, keras_tuner.oracles.HyperbandOracle)
    if own and options.rule != "patience":
        raise ValueError(
            "Expected a tuner that trains each trial to its end with the stopping rule "
            f"{options.rule.upper()}. Received: {type(oracle).__name__}, which halves "
            "its trials by itself and needs them whole. Take the rule PATIENCE, or leave "
            "stopping out, or take another tuner."
        )
