"""Ray Tune on recorded curves: its own scheduler and search algorithms.

This calls them for each result as Ray's controller does, but without its cluster: to
start an actor for each trial would take longer than the whole replay.
"""

import itertools
import types
from typing import Any

import numpy as np
from ray import tune
from ray.tune.schedulers import ASHAScheduler, TrialScheduler
from ray.tune.search.optuna import OptunaSearch

from benchmarks.curve_tasks import EPOCHS
from benchmarks.replay import Task, Trial


class RayTune:
    """ASHA with Ray's default (random search), or with its `OptunaSearch`."""

    looks_ahead = False

    def __init__(self, task: Task, seed: int, model: bool) -> None:
        # Conditions are nothing that its spaces have: all values are always there.
        self._task = task
        self._space = {
            name: tune.choice(values)
            if isinstance(values[0], str)
            else tune.randint(0, len(values))
            for name, values in task.space.items()
        }
        self._draw = np.random.RandomState(seed)
        self._numbers = itertools.count()
        self._algorithm = None
        if model:
            self._algorithm = OptunaSearch(
                OptunaSearch.convert_search_space(self._space),
                metric="loss",
                mode="min",
                seed=seed,
            )
        self._scheduler = ASHAScheduler(
            metric="loss", mode="min", max_t=EPOCHS, reduction_factor=3
        )
        self._results: dict[str, dict[str, Any]] = {}

    def begin(self) -> Trial | None:
        """See `replay.Searcher`."""
        trial_id = str(next(self._numbers))
        if self._algorithm is not None:
            values = self._algorithm.suggest(trial_id)
        else:
            values = {
                name: domain.sample(random_state=self._draw)
                for name, domain in self._space.items()
            }
        self._scheduler.on_trial_add(None, types.SimpleNamespace(trial_id=trial_id))
        place = (
            possible.index(values[name])
            if isinstance(possible[0], str)
            else int(values[name])
            for name, possible in self._task.space.items()
        )
        return Trial(trial_id, tuple(place))

    def report(self, trial: Trial, epoch: int, loss: float) -> bool:
        """See `replay.Searcher`."""
        result = {"loss": loss, "training_iteration": epoch + 1}
        self._results[trial.trial_id] = result
        if self._algorithm is not None:
            self._algorithm.on_trial_result(trial.trial_id, result)
        theirs = types.SimpleNamespace(trial_id=trial.trial_id)
        decision = self._scheduler.on_trial_result(None, theirs, result)
        return bool(decision == TrialScheduler.STOP)

    def end(self, trial: Trial, best: float, stopped: bool) -> None:
        """See `replay.Searcher`. Ray passes on the last result, not the best one."""
        result = self._results.pop(trial.trial_id)
        theirs = types.SimpleNamespace(trial_id=trial.trial_id)
        if not stopped:
            self._scheduler.on_trial_complete(None, theirs, result)
        if self._algorithm is not None:
            self._algorithm.on_trial_complete(trial.trial_id, result)
