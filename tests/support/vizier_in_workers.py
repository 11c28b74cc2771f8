"""A search in workers whose trials Vizier suggests, in a process of its own.

With the rule SERVICE odd trials go on until Vizier says that they should stop.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

import keras_tuner

from tests.support import fork_servers
from tuner_component import Stopping, report_epoch, tune
from tuner_component.oracles import VizierSearch

TRIALS, WORKERS = 8, 3
# What odd trials report: the service of the test says that they should stop.
HOPELESS = 9.0
# So many would be a service that never answers.
_MOST = 500_000


class Tuner(VizierSearch):
    """Trials with a loop of their own."""

    is_stopped = False

    def run_trial(self, trial: Any, *args: Any) -> Any:
        rate = trial.hyperparameters.Float("rate", 0.0, 1.0)
        odd = self.is_stopped and int(trial.trial_id) % 2
        value = HOPELESS if odd else rate
        for epoch in range(_MOST if odd else 3):
            if report_epoch({"loss": value}, epoch):
                break
        return {"loss": value}


def make_tuner(where: Mapping[str, Any], is_stopped: bool) -> Tuner:
    """Makes the tuner, of a service's trials."""
    space = keras_tuner.HyperParameters()
    space.Float("rate", 0.0, 1.0)
    objective = keras_tuner.Objective("loss", "min")
    tuner = Tuner(
        hyperparameters=space, objective=objective, max_trials=TRIALS, **where
    )
    tuner.is_stopped = is_stopped
    return tuner


def search(
    directory: str,
    environment: Mapping[str, str],
    where: Mapping[str, Any],
    rule: str = "",
) -> str:
    """Runs it, or the rest of it, in this process; returns the study's directory.

    Args:
        directory: Of the search.
        environment: Variables of this process from now on.
        where: Which service, and which study there.
        rule: A stopping rule; none if empty.
    """
    os.environ.update(environment)
    fork_servers.sow()
    found = tune(
        functools.partial(make_tuner, dict(where), bool(rule)),
        directory=directory,
        num_parallel_trials=WORKERS,
        stopping=Stopping(rule=rule) if rule else None,
        seed=7,
    )
    return found.directory
