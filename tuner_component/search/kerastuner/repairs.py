"""Faults of KerasTuner's oracles, mended in a subclass made for the user's own.

`repair` changes the class of one oracle, so that everything the user's class overrides
still holds, `super()` included, and every other oracle in the process stays as it is.
"""

import contextlib
import math
import threading
import traceback
import types
from collections.abc import Iterator
from typing import Any

import keras_tuner
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
)
from keras_tuner.src.engine import oracle as oracle_module
from keras_tuner.src.engine.metrics_tracking import MetricsTracker

from tuner_component.search.kerastuner.kerastuner_oracles import (
    FaultTolerantHyperband,
    ResumableBayesian,
    ResumableGrid,
)
from tuner_component.search.kerastuner.quick_metrics import QuickMetrics

_MENDED: dict[type, type] = {
    BayesianOptimizationOracle: ResumableBayesian,
    GridSearchOracle: ResumableGrid,
    HyperbandOracle: FaultTolerantHyperband,
}


class QuickHyperParameters(keras_tuner.HyperParameters):  # type: ignore[misc]
    """A search space of which copies are made in a tenth of the time.

    Each trial has one. KerasTuner looks for the class of each hyperparameter by its name,
    as in a file; that took a third of what an oracle takes for a trial.
    """

    def copy(self) -> Any:
        """A copy that shares nothing with it, as KerasTuner's."""
        copied = keras_tuner.HyperParameters()
        for hyperparameter in self._space:
            one = type(hyperparameter).from_config(hyperparameter.get_config())
            copied._hps[one.name].append(one)
            copied._space.append(one)
        copied.values = dict(self.values)
        return copied


class SuggestedHyperParameters(keras_tuner.HyperParameters):  # type: ignore[misc]
    """A search space that keeps the values that were suggested.

    A name may occur under several conditions. KerasTuner takes its value away where one of
    these does not hold, though another one does: it is drawn anew, or missing, and the
    trial fails.
    """

    def ensure_active_values(self) -> None:
        """Draws what is missing, and takes away what is not active."""
        for hp in self._space:
            if self.is_active(hp):
                if hp.name not in self.values:
                    self.values[hp.name] = hp.random_sample()
            elif not any(map(self.is_active, self._hps[hp.name])):
                self.values.pop(hp.name, None)


class RepairedOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """What stands in front of the user's oracle class."""

    def create_trial(self, tuner_id: str) -> Any:
        """Creates a trial, with a copy of the search space that is quickly made."""
        space = self.hyperparameters
        if type(space) is keras_tuner.HyperParameters:
            space.__class__ = QuickHyperParameters
        trial = super().create_trial(tuner_id)
        if type(trial.metrics) is MetricsTracker and not trial.metrics.metrics:
            trial.metrics = QuickMetrics()
        return trial

    def _record_values(self, trial: Any) -> None:
        """Makes sure that a trial has a value for what is active, and for nothing else."""
        space = trial.hyperparameters
        if type(space) is not keras_tuner.HyperParameters:
            super()._record_values(trial)
            return
        space.__class__ = SuggestedHyperParameters
        try:
            super()._record_values(trial)
        finally:
            space.__class__ = keras_tuner.HyperParameters

    def save(self) -> None:
        """Nothing: the journal keeps the state. This rewrote all of it each time."""

    def _save_trial(self, trial: Any) -> None:
        """Nothing: the journal keeps the trials. This wrote them in place, torn by a crash."""

    def _check_consecutive_failures(self) -> None:
        """Nothing: `FailureLimit` stands in. This walked all trials at each end."""

    def score_trial(self, trial: Any) -> None:
        """Scores a trial; a score that is no finite number makes it invalid.

        Infinities would win the search or attract the model of a Bayesian oracle. A
        scoring function that raises fails its trial, not the search.
        """
        try:
            super().score_trial(trial)
            if trial.score is not None and math.isfinite(trial.score):
                return
            trial.message = (
                f"Expected a finite score for {self.objective}. "
                f"Received: {trial.score}. Look for a learning rate that is too high, "
                "or for an objective that is undefined on the evaluation data."
            )
        except Exception:  # noqa: BLE001 - whatever the user's code raises
            trial.message = traceback.format_exc()
        # KerasTuner takes this value, and only this one, for an invalid trial.
        trial.score = math.nan


def repair(oracle: keras_tuner.Oracle) -> None:
    """Gives an oracle a class that behaves; done twice, it is done once."""
    cls = type(oracle)
    if issubclass(cls, RepairedOracle):
        return
    bases: tuple[type, ...] = (RepairedOracle, cls)
    for original, mended in _MENDED.items():
        # Behind the user's class, so that its overrides come first and find the mended
        # one by super(). A class cannot come before its own subclass.
        if issubclass(cls, original):
            bases = (RepairedOracle, *(() if cls is original else (cls,)), mended)
    names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    oracle.__class__ = types.new_class(
        cls.__name__, bases, exec_body=lambda namespace: namespace.update(names)
    )
    oracle.verbose = 0


@contextlib.contextmanager
def lock_released_on_error(oracle: keras_tuner.Oracle) -> Iterator[None]:
    """Gives KerasTuner's own lock back when a call raises; it forgets to."""
    try:
        yield
    except BaseException:
        if oracle_module.THREADS[oracle] == threading.current_thread().name:
            oracle_module.THREADS[oracle] = None
            oracle_module.LOCKS[oracle].release()
        raise
