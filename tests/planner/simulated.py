"""Trials of a known function that a planner plans, one worker after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from tuner_component.planner import Continue, Decision, Finished, Planner, Start

# From the values of a point and the number of epochs to the best value by then.
Curve = Callable[[Mapping[str, Any], int], float]


def trap(values: Mapping[str, Any], epochs: int) -> float:
    """Of nine epochs: where x0 is large it is the best of all, but nothing tells before
    the last one.
    """
    if values["x0"] >= 12:
        return 0.2 if epochs == 9 else 3.0
    return 0.5 + ((values["x0"] - 4) / 20) ** 2


@dataclasses.dataclass
class Simulated:
    """Runs trials as a planner says.

    Attributes:
        planner: It is told all that happens.
        curve: The function.
        epochs: How many epochs a whole training has.
        seconds: The seconds of an epoch, from the values of a point.
        start_s: The seconds that it takes to begin or to go on with a trial.
        points: The values of each trial.
        trained: For each trial after how many epochs it is.
        paused: The trials that have paused.
        log: What happened, in order.
    """

    planner: Planner
    curve: Curve
    epochs: int
    seconds: Callable[[Mapping[str, Any]], float] = lambda values: 1.0
    start_s: float = 0.0
    points: dict[int, dict[str, Any]] = dataclasses.field(default_factory=dict)
    trained: dict[int, int] = dataclasses.field(default_factory=dict)
    paused: set[int] = dataclasses.field(default_factory=set)
    log: list[tuple[Any, ...]] = dataclasses.field(default_factory=list)

    def step(self) -> bool:
        """Runs one trial until it pauses or ends; False if there is none to run."""
        step = self.planner.next()
        if not isinstance(step, Continue):
            for trial in self.planner.hopeless():
                self.paused.remove(trial)
                self._tell("end", trial)
        if isinstance(step, Finished):
            return False
        if isinstance(step, Continue):
            trial = step.trial
            self.paused.remove(trial)
            self._tell("resume", trial)
        else:
            assert isinstance(step, Start)
            trial = len(self.points)
            self.points[trial], self.trained[trial] = step.values, 0
            self._tell("start", trial, step.values)
        self._train(trial)
        return True

    def run(self, steps: int = 10_000) -> Simulated:
        """Takes steps until there is nothing to run."""
        for _ in range(steps):
            if not self.step():
                break
        return self

    def _train(self, trial: int) -> None:
        values = self.points[trial]
        for epochs in range(self.trained[trial] + 1, self.epochs + 1):
            self.trained[trial] = epochs
            seen = (trial, epochs, self.curve(values, epochs))
            self.planner.learn_times({trial: self.seconds(values)}, self.start_s)
            decision = self.planner.after_epoch(*seen)
            if self.planner.is_rung(epochs):
                self.log.append(("observe", *seen))
            if decision is Decision.PAUSE:
                self.paused.add(trial)
                return self._tell("pause", trial)
            if decision is Decision.STOP:
                return self._tell("end", trial)
        return self._tell("end", trial, True)

    def _tell(self, what: str, *words: Any) -> None:
        self.log.append((what, *words))
        getattr(self.planner, what)(*words)
