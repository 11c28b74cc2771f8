"""How a study is told to MLflow: names, limits, times."""

import itertools
import os
import re
from collections.abc import Mapping
from typing import Any

from tuner_component.search.study import times

# By these tags the runs of a study and of a trial are known again.
STUDY, TRIAL = "tuner_component.study", "tuner_component.trial"
CONFIRMS, BEST = "tuner_component.confirms", "tuner_component.best_trial"
CAUSE = "tuner_component.cause"
PARENT = "mlflow.parentRunId"
_EXPERIMENT = "MLFLOW_EXPERIMENT_NAME"
_LONGEST_VALUE, _LONGEST_NAME = 500, 250
_NO_NAME = re.compile(r"[^\w\-./ ]")


def experiment() -> str:
    """The experiment that runs belong to."""
    return os.environ.get(_EXPERIMENT) or "tuner_component"


def name(text: str) -> str:
    """The name of a parameter or a metric, with what MLflow does not take replaced."""
    plain = _NO_NAME.sub("_", text).strip("/. ") or "_"
    # It takes no name that would leave its place as a path.
    return "/".join(p for p in plain.split("/") if p.strip(". "))[:_LONGEST_NAME] or "_"


def params(values: Mapping[str, Any]) -> dict[str, str]:
    """Hyperparameters as parameters, each with a name of its own."""
    found: dict[str, str] = {}
    for key, value in values.items():
        names = (f"{name(key)}_{i}" if i else name(key) for i in itertools.count())
        free = next(one for one in names if one not in found)
        found[free] = str(value)[:_LONGEST_VALUE]
    return found


def milliseconds(seconds: float | None) -> int | None:
    """A time as MLflow has it."""
    return None if seconds is None else int(times.in_calendar(seconds) * 1000)
