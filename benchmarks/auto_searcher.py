"""The search "auto" in replays: see `replay.Searcher`."""

import itertools
from typing import Any

from benchmarks import replay
from benchmarks.curve_tasks import EPOCHS
from tuner_component.oracles.auto import Continue, Decision, Planner, Start
from tuner_component.search.oracle.dimensions import dimensions


class Auto:
    """Pauses trials at rungs and continues them, as its planner says."""

    looks_ahead = False

    def __init__(
        self, hyperparameters: Any, names: Any, seed: int, **options: Any
    ) -> None:
        """Starts a search in the space of hyperparameters, whose values have places."""
        self._names = list(names)
        self._dimensions = {d.name: d for d in dimensions(hyperparameters.space)}
        self.planner = Planner(
            list(self._dimensions.values()),
            epochs=EPOCHS,
            seed=seed,
            max_trials=2000,
            **options,
        )
        self._counter = itertools.count()
        self._places: dict[int, tuple[int, ...]] = {}
        self._seconds: dict[int, float] = {}
        self._epochs: dict[int, int] = {}
        self._best: dict[int, float] = {}

    def begin(self) -> replay.Trial | None:
        """See `replay.Searcher`."""
        step = self.planner.next()
        if isinstance(step, Continue):
            number = step.trial
            self.planner.resume(number)
        elif isinstance(step, Start):
            number = next(self._counter)
            self.planner.start(number, step.values)
            self._places[number] = tuple(
                int(self._dimensions[name].number(step.values[name]) or 0)
                if name in step.values
                else 0
                for name in self._names
            )
            self._epochs[number] = 0
        else:
            return None
        return replay.Trial(number, self._places[number], self._epochs[number], EPOCHS)

    def report(self, trial: replay.Trial, epoch: int, loss: float) -> bool:
        """See `replay.Searcher`."""
        number = trial.trial_id
        best = min(loss, self._best.get(number, loss))
        self._best[number], self._epochs[number] = best, epoch + 1
        decision = self.planner.after_epoch(number, epoch + 1, best, trial.epoch_s)
        return decision is not Decision.GO_ON

    def end(self, trial: replay.Trial, best: float, stopped: bool) -> None:
        """See `replay.Searcher`."""
        if stopped:
            self.planner.pause(trial.trial_id)
        else:
            self.planner.end(trial.trial_id, whole=True)
