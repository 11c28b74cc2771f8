"""Which columns a table of trials has, wherever it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def metric_names(study: Any, trials: Iterable[Any]) -> list[str]:
    """The metrics of trials: the objective first, then those of several objectives.

    Args:
        study: A `StudyRecord`.
        trials: Of its trials, those that are shown.
    """
    first = [study.objective.name] if study.objective else ["score"]
    wanted = [one.name for one in study.objectives]
    others = [name for trial in trials for name in trial.metrics]
    # What is measured on training data says the least.
    others.sort(key=lambda name: not name.startswith("val_"))
    return list(dict.fromkeys([*first, *wanted, *others]))


def metric(study: Any, trial: Any, name: str) -> Any:
    """The value of a metric by which a trial is compared; None if it has none."""
    if name == (study.objective.name if study.objective else "score"):
        return trial.score
    return trial.metrics.get(name)


def hyperparameter_names(study: Any, trials: Iterable[Any]) -> list[str]:
    """The hyperparameters of trials, those first that differ among the study's trials."""
    names = list(dict.fromkeys(name for t in trials for name in t.hyperparameters))
    seen = {
        name: {repr(t.hyperparameters.get(name)) for t in study.trials}
        for name in names
    }
    return sorted(names, key=lambda name: len(seen[name]) < 2)
