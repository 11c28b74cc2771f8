"""How far the scores of one and the same configuration are apart.

What is known of it comes, the surest first, from re-runs of the best trials, from
configurations that were tried twice, from trials that trained several times, and from
the model of the search. Without any of these, similar configurations bound it.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from tuner_component.report.judgement import space
from tuner_component.report.record import StudyRecord, TrialRecord
from tuner_component.search.reserved import is_reserved

Source = Literal["re-runs", "repeats", "trainings", "search", "neighbours"]

# So many trials have neighbours that are near. Of more only the best are looked at.
_LEAST_NEIGHBOURS, _MOST_NEIGHBOURS = 10, 300
# How the median distance of two draws relates to the deviation of one (normal).
_MEDIAN_OF_DISTANCE = 0.6745 * math.sqrt(2)
# A trial's score is the mean of its trainings' best values, but for rounding.
_MEAN = 1e-4


@dataclasses.dataclass(frozen=True)
class Noise:
    """The deviation of scores of equal configurations.

    Attributes:
        deviation: Of a single score, in the objective's own unit.
        source: What it is known from.
        scores: From how many scores; 0 if a model of the search says it.
    """

    deviation: float
    source: Source
    scores: int = 0

    @property
    def is_bound(self) -> bool:
        """Whether the noise may be smaller: similar trials differ for other reasons, too."""
        return self.source == "neighbours"

    @property
    def told(self) -> str:
        """What it is known from, as the beginning of a sentence."""
        return {
            "re-runs": f"Re-runs with other seeds ({self.scores} scores)",
            "repeats": f"Equal configurations ({self.scores} trials)",
            "trainings": f"The trainings of a trial ({self.scores} in all)",
            "search": "By the search's own estimate, equal configurations",
            "neighbours": f"Similar configurations ({self.scores} trials)",
        }[self.source]


def noise_of(study: StudyRecord) -> Noise | None:
    """What is known of the noise of a study's scores; None if nothing is."""
    if study.objective is None:
        return None
    better = _better_half(study)
    return (
        _of_reruns(study)
        or _of_repeats(better)
        or _of_trainings(study, better)
        or _of_search(study)
        or _of_neighbours(study, better)
    )


def own(values: Mapping[str, Any]) -> dict[str, Any]:
    """The hyperparameters without those that KerasTuner keeps for itself."""
    return {name: value for name, value in values.items() if not is_reserved(name)}


def _better_half(study: StudyRecord) -> list[TrialRecord]:
    """What the noise of good scores is known from: others may diverge, or end early."""
    whole = [trial for trial in study.completed if not trial.stopped]
    return whole[: max(math.ceil(len(whole) / 2), min(len(whole), 10))]


def _of_reruns(study: StudyRecord) -> Noise | None:
    trials = study.confirmation.trials if study.confirmation else ()
    known = [
        (t.spread, t.seeds) for t in trials if t.spread is not None and t.seeds > 1
    ]
    if not known:
        return None
    free = sum(seeds - 1 for _, seeds in known)
    total = sum(spread * spread * (seeds - 1) for spread, seeds in known)
    return _noise(math.sqrt(total / free), "re-runs", sum(seeds for _, seeds in known))


def _of_repeats(trials: Sequence[TrialRecord]) -> Noise | None:
    groups: dict[str, list[float]] = defaultdict(list)
    for trial in trials:
        if trial.hyperparameters:
            key = repr(sorted(trial.hyperparameters.items()))
            groups[key].append(trial.score or 0.0)
    several = [scores for scores in groups.values() if len(scores) > 1]
    free = sum(len(scores) - 1 for scores in several)
    if not free:
        return None
    squares = sum(
        _square(score - _mean(scores)) for scores in several for score in scores
    )
    return _noise(math.sqrt(squares / free), "repeats", sum(map(len, several)))


def _of_trainings(study: StudyRecord, trials: Sequence[TrialRecord]) -> Noise | None:
    """From trials that train several times, if their scores are the means of that.

    What all trials have in common in their second training, say, is taken out: it may be
    another part of the data, which makes no difference between trials.
    """
    rows = [row for trial in trials if (row := _bests(study, trial))]
    width = max((len(row) for row in rows), default=0)
    rows = [row for row in rows if len(row) == width]
    if len(rows) < 3 or width < 2:
        return None
    columns = [_mean(column) for column in zip(*rows, strict=True)]
    whole = _mean(columns)
    squares = sum(
        _square(value - _mean(row) - column + whole)
        for row in rows
        for value, column in zip(row, columns, strict=True)
    )
    one = math.sqrt(squares / ((len(rows) - 1) * (width - 1)))
    return _noise(one / math.sqrt(width), "trainings", width * len(rows))


def _bests(study: StudyRecord, trial: TrialRecord) -> list[float]:
    """The best value of each training; empty if the score is not their mean."""
    if study.objective is None or trial.score is None or len(trial.executions) < 2:
        return []
    best = max if study.objective.direction == "max" else min
    found = []
    for curves in trial.executions:
        curve = [
            value
            for value in curves.get(study.objective.name, ())
            if value is not None and math.isfinite(value)
        ]
        if not curve:
            return []
        found.append(best(curve))
    mean = _mean(found)
    return found if math.isclose(mean, trial.score, rel_tol=_MEAN) else []


def _of_search(study: StudyRecord) -> Noise | None:
    return _noise(study.prospect.noise, "search", 0) if study.prospect else None


def _of_neighbours(study: StudyRecord, trials: Sequence[TrialRecord]) -> Noise | None:
    chosen = trials[:_MOST_NEIGHBOURS]
    if len(chosen) < _LEAST_NEIGHBOURS:
        return None
    values = [own(trial.hyperparameters) for trial in chosen]
    apart = space.distances(values, space.ranges(study))
    np.fill_diagonal(apart, math.inf)
    scores = np.array([trial.score or 0.0 for trial in chosen])
    gaps = np.abs(scores - scores[apart.argmin(axis=1)]).tolist()
    deviation = statistics.median(gaps) / _MEDIAN_OF_DISTANCE
    return _noise(deviation, "neighbours", len(chosen)) if deviation > 0 else None


def _noise(deviation: float, source: Source, scores: int) -> Noise | None:
    return Noise(deviation, source, scores) if math.isfinite(deviation) else None


# Of numbers that are too large, a power and an exact sum would raise.
def _square(value: float) -> float:
    return value * value


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
