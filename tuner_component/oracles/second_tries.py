"""Which point of a stopped trial is worth a second try.

The one that would have come to the best score, had it gained from then on what the trials
near it gained that were trained to the end. So what starts slowly is found where others
that start slowly become good.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_component.oracles.fidelities import Fidelities
from tuner_component.search.space.dimensions import Dimension

# A gain is the mean of those of so many trials.
_NEAREST = 5

_Array = NDArray[np.float64]


def most_promising(
    space: Sequence[Dimension],
    trials: Mapping[str, Any],
    fidelities: Fidelities,
    candidates: Sequence[str],
    maximize: bool,
) -> str:
    """The stopped trial whose point should be tried again.

    Args:
        space: The search space.
        trials: All trials of KerasTuner's, by id.
        fidelities: How far they were trained.
        candidates: Ids of stopped trials, at least one.
        maximize: Whether larger scores are better.
    """
    scores = np.array([trials[trial_id].score for trial_id in candidates])
    sign = -1.0 if maximize else 1.0
    if not fidelities.whole:
        return candidates[int(np.argmin(sign * scores))]
    distances = _distances(
        _places(space, trials, candidates), _places(space, trials, fidelities.whole)
    )
    epochs = [fidelities.stopped[trial_id] for trial_id in candidates]
    gains = {after: _gains(fidelities, after) for after in set(epochs)}
    expected = [
        score + _near(gains[after], far)
        for score, after, far in zip(scores, epochs, distances, strict=True)
    ]
    return candidates[int(np.argmin(sign * np.array(expected)))]


def _gains(fidelities: Fidelities, epochs: int) -> _Array:
    """What each whole trial gained after so many epochs; NaN if that is not known."""
    return np.array(
        [
            curve[-1] - curve[epochs - 1] if len(curve) > epochs else np.nan
            for curve in fidelities.whole.values()
        ]
    )


def _near(gains: _Array, distances: _Array) -> float:
    known = np.flatnonzero(np.isfinite(gains))
    if not known.size:
        return 0.0
    nearest = known[np.argsort(distances[known], kind="stable")[:_NEAREST]]
    return float(gains[nearest].mean())


def _places(space: Sequence[Dimension], trials: Mapping[str, Any], ids: Any) -> _Array:
    """Trials by the numbers of their values, from 0 to 1; NaN for what is inactive.

    An unordered choice has a place of its own for each of its values.
    """
    return np.array(
        [
            [
                number
                for dimension in space
                for number in _numbers(dimension, trials[i].hyperparameters.values)
            ]
            for i in ids
        ]
    )


def _numbers(dimension: Dimension, values: Mapping[str, Any]) -> list[float]:
    size = 1 if dimension.ordered else dimension.steps or 1
    active = dimension.name in values and dimension.is_active(values)
    number = dimension.number(values[dimension.name]) if active else None
    if number is None:
        return [float("nan")] * size
    if not dimension.ordered:
        return [0.5 * (place == number) for place in range(size)]
    return [number / max((dimension.steps or 2) - 1, 1)]


def _distances(these: _Array, those: _Array) -> _Array:
    """The steps between each two, where a value that only one of them has is a far one."""
    found: _Array = np.zeros((len(these), len(those)))
    for one, other in zip(these.T, those.T, strict=True):
        step = np.abs(one[:, None] - other)
        both = np.isnan(one)[:, None] & np.isnan(other)
        found += np.where(both, 0.0, np.nan_to_num(step, nan=1.0))
    return found
