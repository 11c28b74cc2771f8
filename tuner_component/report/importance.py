"""Which hyperparameters mattered."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuner_component.report.record import StudyRecord
from tuner_component.search.reserved import is_reserved

# From fewer trials nothing can be said; more than the second number only take longer.
LEAST_TRIALS = 8
_MOST_TRIALS = 2000
# If no more than this is explained, it is chance.
_CHANCE = 0.1
_TREES = 100
_REPEATS = 5
# The forest counts with 32 bits.
_LARGEST = 1e38


@dataclasses.dataclass(frozen=True)
class Weights:
    """How much hyperparameters matter for the score.

    Attributes:
        shares: That add up to 1, by name, the most important first; empty if too few
            trials completed, or nothing was varied, or nothing made a difference.
        explained: Which share of how ranks differ the hyperparameters explain, in trials
            that were not learned from (R2, out of the bag); 0 or less: chance explains
            them as well. None without shares.
    """

    shares: Mapping[str, float] = dataclasses.field(default_factory=dict)
    explained: float | None = None

    @property
    def is_chance(self) -> bool:
        """Whether hyperparameters explain no more than chance does."""
        return (self.explained or 0.0) <= _CHANCE

    @property
    def told(self) -> dict[str, float]:
        """The shares that mean anything; empty if they are chance."""
        return {} if self.is_chance else dict(self.shares)


def weights(study: StudyRecord) -> Weights:
    """How much each hyperparameter matters for the score.

    A random forest learns to predict scores from hyperparameters; a hyperparameter
    matters as much as predictions get worse when its values are shuffled among the
    trials (permutation importance: Breiman, "Random Forests", Machine Learning 45, 2001).

    Args:
        study: With any number of trials.
    """
    trials = study.completed[:_MOST_TRIALS]
    names = varied(study)
    if len(trials) < LEAST_TRIALS or not names:
        return Weights()
    # Only needed here, and slow to import.
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    columns = [
        _numbers([t.hyperparameters.get(name) for t in trials]) for name in names
    ]
    inputs = np.clip(np.column_stack(columns), -_LARGEST, _LARGEST)
    # Ranks: otherwise one trial that diverged would be all that there is to explain.
    scores = ranks([trial.score or 0.0 for trial in trials])
    forest = RandomForestRegressor(
        _TREES, min_samples_leaf=2, random_state=0, oob_score=True
    )
    forest.fit(inputs, scores)
    found = permutation_importance(
        forest, inputs, scores, n_repeats=_REPEATS, random_state=0
    )
    raw = np.maximum(found.importances_mean, 0.0)
    if not raw.sum() > 0:
        return Weights()
    shares = zip(names, (raw / raw.sum()).tolist(), strict=True)
    ordered = dict(sorted(shares, key=lambda pair: -pair[1]))
    return Weights(ordered, float(forest.oob_score_))


def ranks(values: Sequence[float]) -> Any:
    """The ranks of values, from 1; equal ones share the mean of theirs."""
    from scipy import stats  # Slow to import.

    return stats.rankdata(values)


def importances(study: StudyRecord) -> dict[str, float]:
    """The shares of `weights` alone."""
    return dict(weights(study).shares)


def varied(study: StudyRecord) -> list[str]:
    """Names of the hyperparameters with more than one value among completed trials.

    Those that KerasTuner keeps for itself (`tuner/...`) are left out.
    """
    seen: dict[str, set[str]] = {}
    for trial in study.completed:
        for name, value in trial.hyperparameters.items():
            seen.setdefault(name, set()).add(repr(value))
    return [n for n, values in seen.items() if len(values) > 1 and not is_reserved(n)]


def _numbers(values: list[Any]) -> Any:
    """Values as numbers: missing ones below all others, words by their order."""
    known = [value for value in values if value is not None]
    if all(is_number(value) for value in known):
        low, high = min(known), max(known)
        missing = low - (high - low or 1)
        return np.array([missing if v is None else v for v in values], dtype=float)
    order = {value: i for i, value in enumerate(sorted({str(v) for v in values}))}
    return np.array([order[str(value)] for value in values], dtype=float)


def is_number(value: Any) -> bool:
    """Whether a hyperparameter's value can be put on an axis of numbers."""
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
    )
