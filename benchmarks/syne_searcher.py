"""Syne Tune on recorded curves: its own schedulers, asked as its tuner asks them."""

import itertools
import logging
from typing import Any

import numpy as np
from syne_tune import config_space
from syne_tune.backend.trial_status import Trial as ItsTrial
from syne_tune.optimizer import baselines
from syne_tune.optimizer.scheduler import SchedulerDecision

from benchmarks.curve_tasks import EPOCHS
from benchmarks.replay import Task, Trial

_SCHEDULERS = {"random asha": baselines.ASHA, "bohb": baselines.BOHB}


class SyneTune:
    """Asynchronous successive halving, with random points or a kernel density estimate."""

    looks_ahead = False

    def __init__(self, task: Task, seed: int, kind: str) -> None:
        logging.getLogger("syne_tune").setLevel(logging.ERROR)
        # Some of its draws are from the generator that all share.
        np.random.seed(seed)
        # Conditions are nothing that its spaces have: all values are always there.
        self._task = task
        space = {
            name: config_space.choice(values)
            if isinstance(values[0], str)
            else config_space.randint(0, len(values) - 1)
            for name, values in task.space.items()
            if len(values) > 1
        }
        self._scheduler = _SCHEDULERS[kind](
            space,
            metric="loss",
            time_attr="epoch",
            max_t=EPOCHS,
            random_seed=seed,
        )
        self._numbers = itertools.count()
        self._running: dict[int, tuple[ItsTrial, dict[str, Any]]] = {}

    def begin(self) -> Trial | None:
        """See `replay.Searcher`."""
        suggestion = self._scheduler.suggest()
        if suggestion is None:
            return None
        number, values = next(self._numbers), suggestion.config
        trial = ItsTrial(number, values, None)
        self._scheduler.on_trial_add(trial)
        self._running[number] = trial, {}
        place = (
            0
            if name not in values
            else possible.index(values[name])
            if isinstance(possible[0], str)
            else int(values[name])
            for name, possible in self._task.space.items()
        )
        return Trial(number, tuple(place))

    def report(self, trial: Trial, epoch: int, loss: float) -> bool:
        """See `replay.Searcher`. Its tuner passes on the last result as complete."""
        its, _ = self._running[trial.trial_id]
        result = {"loss": loss, "epoch": epoch + 1}
        self._running[trial.trial_id] = its, result
        if epoch + 1 == EPOCHS:
            return False
        decision = self._scheduler.on_trial_result(its, result)
        return bool(decision == SchedulerDecision.STOP)

    def end(self, trial: Trial, best: float, stopped: bool) -> None:
        """See `replay.Searcher`."""
        its, result = self._running.pop(trial.trial_id)
        if stopped:
            self._scheduler.on_trial_remove(its)
        else:
            self._scheduler.on_trial_complete(its, result)
