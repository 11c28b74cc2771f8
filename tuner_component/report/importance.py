"""Which hyperparameters mattered."""

import math
from typing import Any

import numpy as np

from tuner_component.report.record import StudyRecord
from tuner_component.search.reserved import is_reserved

# From fewer trials nothing can be said; more than the second number only take longer.
LEAST_TRIALS = 8
_MOST_TRIALS = 2000
_TREES = 100
_REPEATS = 5


def importances(study: StudyRecord) -> dict[str, float]:
    """How much each hyperparameter matters for the score, the most important first.

    A random forest learns to predict scores from hyperparameters; a hyperparameter
    matters as much as predictions get worse when its values are shuffled among the
    trials (permutation importance: Breiman, "Random Forests", Machine Learning 45, 2001).

    Args:
        study: With any number of trials.

    Returns:
        Shares that add up to 1, by name; empty if too few trials completed, or nothing
        was varied, or nothing made a difference.
    """
    trials = study.completed[:_MOST_TRIALS]
    names = varied(study)
    if len(trials) < LEAST_TRIALS or not names:
        return {}
    # Only needed here, and slow to import.
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    inputs = np.column_stack(
        [_numbers([t.hyperparameters.get(name) for t in trials]) for name in names]
    )
    # Ranks: otherwise one trial that diverged would be all that there is to explain.
    scores = np.argsort(np.argsort([trial.score or 0.0 for trial in trials]))
    forest = RandomForestRegressor(_TREES, min_samples_leaf=2, random_state=0)
    forest.fit(inputs, scores)
    found = permutation_importance(
        forest, inputs, scores, n_repeats=_REPEATS, random_state=0
    )
    raw = np.maximum(found.importances_mean, 0.0)
    if not raw.sum() > 0:
        return {}
    shares = zip(names, (raw / raw.sum()).tolist(), strict=True)
    return dict(sorted(shares, key=lambda pair: -pair[1]))


def varied(study: StudyRecord) -> list[str]:
    """Names of the hyperparameters with more than one value among completed trials.

    Those that KerasTuner keeps for itself (`tuner/...`) are left out.
    """
    seen: dict[str, set[Any]] = {}
    for trial in study.completed:
        for name, value in trial.hyperparameters.items():
            seen.setdefault(name, set()).add(value)
    return [n for n, values in seen.items() if len(values) > 1 and not is_reserved(n)]


def _numbers(values: list[Any]) -> Any:
    """Values as numbers; if one is no number, or missing, all by their rank as text."""
    if all(is_number(value) for value in values):
        return np.array(values, dtype=float)
    order = {value: i for i, value in enumerate(sorted({str(v) for v in values}))}
    return np.array([order[str(value)] for value in values], dtype=float)


def is_number(value: Any) -> bool:
    """Whether a hyperparameter's value can be put on an axis of numbers."""
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
    )
