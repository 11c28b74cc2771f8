"""Searches with pauses, on trials that cost nothing: curves come from values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support import simulation
from tests.support.halving import Halving
from tuner_component.search.epochs import Decision
from tuner_component.search.options import StoppingOptions
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.study.study import Study

EPOCHS = 8


def halving(**kwargs: Any) -> Halving:
    """Eight trials, of which four, two and one go on."""
    common: dict[str, Any] = {"objective": simulation.OBJECTIVE, "seed": 11}
    space = simulation.space(dimensions=3)
    return Halving(**{"max_trials": 8, "hyperparameters": space, **common, **kwargs})


def curve(values: dict[str, Any]) -> list[float]:
    """The score after each epoch."""
    last = simulation.objective(values)
    return [last + 1 / (1 + epoch) for epoch in range(EPOCHS)]


class Worker:
    """Runs the trials of an oracle; keeps what was saved of each that it has left.

    Args:
        durable: The oracle.
        name: The worker's.
        saved: For each trial that was paused, how many epochs were saved.
    """

    def __init__(
        self, durable: Any, name: str = "worker", saved: dict[str, int] | None = None
    ) -> None:
        self.durable = durable
        self.name = name
        self.saved = {} if saved is None else saved
        self.trained: list[tuple[str, int]] = []

    def take(self) -> Any:
        """Asks for a trial."""
        return self.durable.create_trial(self.name)

    def train(self, trial: Any, can_pause: bool = True, at_most: int = 99) -> Decision:
        """Trains a trial until it ends, or is paused; returns what it was told last."""
        begin = self.saved.get(trial.trial_id, 0)
        scores = curve(trial.hyperparameters.values)
        decision = Decision.GO_ON
        for epoch, score in enumerate(scores[:at_most]):
            if epoch >= begin:
                self.trained.append((trial.trial_id, epoch))
            decision = self.tell(
                trial.trial_id,
                epoch,
                score,
                decided=epoch < begin or epoch + 1 == len(scores),
                can_pause=can_pause,
            )
            if decision is not Decision.GO_ON:
                self.saved[trial.trial_id] = epoch + 1
                break
        return decision

    def tell(
        self,
        trial_id: str,
        epoch: int,
        score: float,
        *,
        decided: bool = False,
        can_pause: bool = True,
    ) -> Decision:
        """Reports an epoch of a trial."""
        told = trial_id, 0, epoch
        decision = self.durable.report_epoch(*told, {"score": score}, decided=decided)
        return decision or self.durable.decide(*told, can_pause=can_pause)

    def run(self, trial: Any, **kwargs: Any) -> None:
        """Runs a trial as far as it goes now."""
        decision = self.train(trial, **kwargs)
        if decision is Decision.PAUSE:
            self.durable.pause_trial(trial.trial_id)
            return
        scores = curve(trial.hyperparameters.values)
        if decision is Decision.STOP:
            scores = scores[: self.saved[trial.trial_id]]
        best = scores.index(min(scores))
        self.durable.update_trial(trial.trial_id, {"score": scores[best]}, step=best)
        trial.status = "COMPLETED"
        self.durable.end_trial(trial)

    def run_all(self, **kwargs: Any) -> None:
        """Runs the search to its end."""
        while (trial := self.take()).status == "RUNNING":
            self.run(trial, **kwargs)
        assert trial.status == "STOPPED"


def search(
    directory: Path,
    oracle: Any = None,
    options: StoppingOptions | None = None,
    **kwargs: Any,
) -> Worker:
    """Runs a whole search, or the rest of one."""
    oracle = halving() if oracle is None else oracle
    with Study.open(str(directory), simulation.FINGERPRINT, seed=1) as study:
        epochs = LearningCurves.of(options, oracle)
        durable = DurableOracle.open(oracle, study, epochs=epochs)
        worker = Worker(durable)
        worker.run_all(**kwargs)
        durable.finish()
        return worker


def results(oracle: Any) -> dict[str, Any]:
    """What a search found, by trial."""
    return {
        trial.trial_id: (trial.status, trial.score, trial.best_step)
        for trial in oracle.trials.values()
    }
