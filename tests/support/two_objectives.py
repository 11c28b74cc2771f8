"""Searches for the front of two objectives, with trials that cost nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras_tuner

from tests.support import simulation
from tuner_component.oracles import AutoOracle, OptunaOracle
from tuner_component.search.constraint import Constraint
from tuner_component.search.epochs import Decision
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle import aims
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.study.study import Study

OBJECTIVES = ["loss", keras_tuner.Objective("size", "min")]
EPOCHS = 9
FRONT = SearchOptions(pareto=True)
SMALL_FRONT = SearchOptions(pareto=True, constraints=(Constraint("size", "<=", 600.0),))


def oracle(kind: str, max_trials: int = 20) -> Any:
    """A seeded oracle: "auto", "kerastuner", or one with a sampler of Optuna's."""
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0, 1)
    hp.Float("y", 0, 1)
    common: dict[str, Any] = {
        "objective": OBJECTIVES,
        "max_trials": max_trials,
        "seed": 3,
        "hyperparameters": hp,
        "max_consecutive_failed_trials": 99,
    }
    if kind == "auto":
        return AutoOracle(epochs=EPOCHS, **common)
    if kind == "kerastuner":
        return keras_tuner.oracles.RandomSearchOracle(**common)
    return OptunaOracle(sampler=kind, **common)


def curve(values: dict[str, Any]) -> list[dict[str, float]]:
    """A trial's metrics by epoch; the front is where y is 0 (as in ZDT1)."""
    x, g = values["x"], 1 + 3 * values["y"]
    loss = g * (1 - (x / g) ** 0.5)
    return [{"loss": loss + 1 / (e + 1), "size": 1e3 * x} for e in range(EPOCHS)]


@dataclasses.dataclass
class Search:
    """A search that may be cut into several runs.

    Attributes:
        directory: Its study's.
        kind: Its oracle's.
        options: Its goals, and its stopping rule.
        trained: Trials and epochs in the order in which they were trained.
        saved: How many epochs are saved of trials.
        failing: Every so manieth trial fails; 0 for none.
        can_pause: Whether trials can pause.
    """

    directory: Path
    kind: str
    options: SearchOptions = FRONT
    failing: int = 0
    can_pause: bool = True
    trained: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    saved: dict[str, int] = dataclasses.field(default_factory=dict)

    def run(self, steps: int = 10**9) -> tuple[DurableOracle, bool]:
        """Runs so many steps of it; returns the oracle, and whether it is over."""
        with Study.open(str(self.directory), simulation.FINGERPRINT, seed=1) as study:
            own = oracle(self.kind)
            goals = aims.take_up(own, self.options)
            epochs = LearningCurves.of(self.options.stopping, own, goals)
            durable = DurableOracle.open(
                own, study, epochs=epochs, max_failed_trials=99
            )
            for _ in range(steps):
                trial = durable.create_trial("worker")
                if trial.status != "RUNNING":
                    durable.finish()
                    return durable, True
                self._step(durable, trial)
            return durable, False

    def run_in_pieces(self, steps: int = 3) -> DurableOracle:
        """Runs it with a new process, as it were, after so many steps."""
        for _ in range(1000):
            durable, is_over = self.run(steps)
            if is_over:
                return durable
        raise AssertionError("the search does not end")

    def _step(self, durable: Any, trial: Any) -> None:
        trial_id, begin = trial.trial_id, self.saved.get(trial.trial_id, 0)
        metrics = curve(trial.hyperparameters.values)
        decision, epoch = Decision.GO_ON, 0
        for epoch, told in enumerate(metrics):
            if epoch >= begin:
                self.trained.append((trial_id, epoch))
            at = (trial_id, 0, epoch)
            decided = epoch < begin or epoch + 1 == EPOCHS
            decision = durable.report_epoch(*at, told, decided=decided)
            decision = decision or durable.decide(*at, can_pause=self.can_pause)
            if decision is not Decision.GO_ON:
                self.saved[trial_id] = epoch + 1
                break
        if decision is Decision.PAUSE:
            durable.pause_trial(trial_id)
            return
        trial.status = "COMPLETED"
        if self.failing and int(trial_id) % self.failing == self.failing - 1:
            trial.status = "FAILED"
        else:
            score = {"multi_objective": sum(metrics[epoch].values())}
            durable.update_trial(trial_id, {**metrics[epoch], **score}, step=epoch)
        durable.end_trial(trial)


def results(durable: Any) -> dict[str, Any]:
    """What a search found, by trial."""
    return {
        trial_id: (t.status, t.score, t.best_step, t.hyperparameters.values)
        for trial_id, t in durable.trials.items()
    }
