"""Confirming the best trials of a search: they are run again, with other seeds.

The best of a hundred noisy scores is the best partly by luck, so it is no estimate of what
its hyperparameters are worth (the winner's curse). The mean of new scores is one. What is
planned, what came of it and who is the best by it is here, as plain data: the search asks,
and so does whoever reads what the search has left.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tuner_component.search.reserved import is_reserved

# Scores of re-runs by the trial that they confirm and by their number, which counts from 1;
# None for one that failed. Those that have not ended are left out.
Results = Mapping[str, Mapping[int, float | None]]


def collected(ended: Iterable[tuple[str, int, float | None]]) -> Results:
    """What came of re-runs, given as the trial, the number and the score of each."""
    results: dict[str, dict[int, float | None]] = {}
    for trial_id, number, score in ended:
        results.setdefault(trial_id, {})[number] = score
    return results


def mean(scores: Sequence[float]) -> float:
    """The mean of at least one score: exactly theirs, if all are the same."""
    if len(set(scores)) == 1:
        return scores[0]
    return math.fsum(score / len(scores) for score in scores)


@dataclasses.dataclass(frozen=True)
class Standing:
    """What its re-runs say of a trial.

    Attributes:
        trial_id: The trial.
        scores: Of the re-runs that count, in the order of their numbers: as many as every
            other trial has.
        failed: Whether a re-run failed, so that the trial is not confirmed.
    """

    trial_id: str
    scores: tuple[float, ...]
    failed: bool

    @property
    def is_confirmed(self) -> bool:
        """Whether it may be called the best."""
        return bool(self.scores) and not self.failed

    @property
    def mean(self) -> float | None:
        """The mean of the scores; None without any."""
        return mean(self.scores) if self.scores else None

    @property
    def spread(self) -> float | None:
        """The standard deviation of one score (n - 1); None of fewer than two."""
        if len(self.scores) < 2:
            return None
        middle = mean(self.scores)
        # Not by squares, which may be too large for a float.
        distance = math.hypot(*(score - middle for score in self.scores))
        return distance / math.sqrt(len(self.scores) - 1)


@dataclasses.dataclass(frozen=True)
class Plan:
    """Which trials are run again, and how often.

    A round is one re-run of each trial. Trials are compared over whole rounds alone: when
    the time is up, none is ahead because it has fewer scores, or the quicker ones.

    Attributes:
        trials: Their ids, the best by the search first.
        seeds: How often each is run again.
        top: How many trials were asked for; there may be fewer.
    """

    trials: tuple[str, ...]
    seeds: int
    top: int

    def next_run(
        self, results: Results, created: Iterable[tuple[str, int]]
    ) -> tuple[str, int] | None:
        """The trial to run again next, and the number of that re-run; None if none is left.

        A trial of which a re-run failed is not run again.

        Args:
            results: Of the re-runs that have ended.
            created: Trial and number of all re-runs there are, whether they ended or not.
        """
        known = set(created)
        going_on = [t for t in self.trials if not self._has_failed(t, results)]
        for number in range(1, self.seeds + 1):
            for trial_id in going_on:
                if (trial_id, number) not in known:
                    return trial_id, number
        return None

    def is_wanted(self, trial_id: str, number: int, results: Results) -> bool:
        """Whether a re-run that there is should be gone on with."""
        wanted = trial_id in self.trials and number <= self.seeds
        return wanted and not self._has_failed(trial_id, results)

    def lacks(self, top: int, seeds: int, results: Results) -> bool:
        """Whether less was planned than is asked for, or a planned re-run has not ended."""
        ended = [(trial, number) for trial in results for number in results[trial]]
        more = top > self.top or seeds > self.seeds
        return more or self.next_run(results, ended) is not None

    def rounds(self, results: Results) -> int:
        """How many whole rounds have ended."""
        going_on = [t for t in self.trials if not self._has_failed(t, results)]
        number = 0
        while going_on and number < self.seeds:
            if any(number + 1 not in results.get(t, {}) for t in going_on):
                break
            number += 1
        return number

    def standings(self, results: Results, direction: str) -> list[Standing]:
        """What came of it: confirmed trials by their means, best first, then the others.

        Args:
            results: Of the re-runs that have ended.
            direction: "min" or "max".
        """
        rounds, sign = self.rounds(results), -1 if direction == "max" else 1
        found = [self._standing(trial_id, results, rounds) for trial_id in self.trials]
        # Stable: of equal means, the one with the better score in the search comes first.
        return sorted(
            found,
            key=lambda s: (
                not s.is_confirmed,
                sign * (s.mean or 0.0) if s.is_confirmed else 0.0,
            ),
        )

    def confirmed(self, results: Results, direction: str) -> list[str]:
        """Ids of the confirmed trials, the best mean first."""
        standings = self.standings(results, direction)
        return [standing.trial_id for standing in standings if standing.is_confirmed]

    def _has_failed(self, trial_id: str, results: Results) -> bool:
        told = results.get(trial_id, {}).items()
        return any(score is None for number, score in told if number <= self.seeds)

    def _standing(self, trial_id: str, results: Results, rounds: int) -> Standing:
        told, failed = results.get(trial_id, {}), self._has_failed(trial_id, results)
        numbers = sorted(told) if failed else range(1, rounds + 1)
        counted = (told[n] for n in numbers if n <= self.seeds)
        scores = tuple(score for score in counted if score is not None)
        return Standing(trial_id, scores, failed)


def confirmed_first(
    plan: Plan | None, results: Results, direction: str, ranked: Sequence[str]
) -> list[str]:
    """The order of a search's trials once the best are run again.

    Args:
        plan: Which are; None if none is.
        results: Of the re-runs that have ended.
        direction: "min" or "max".
        ranked: Ids of the trials, the best score first.
    """
    known = set(ranked)
    first = plan.confirmed(results, direction) if plan else []
    first = [trial_id for trial_id in first if trial_id in known]
    confirmed = set(first)
    return [*first, *(trial_id for trial_id in ranked if trial_id not in confirmed)]


def distinct(trials: Iterable[tuple[str, Mapping[str, Any]]], top: int) -> list[str]:
    """Ids of the first `top` trials that have different hyperparameters.

    Args:
        trials: Ids and values, the best first. Hyperband trains one point several times,
            for longer each time, and an oracle may suggest a point again.
        top: How many at most.
    """
    chosen: dict[str, str] = {}
    for trial_id, values in trials if top else ():
        own = sorted(item for item in values.items() if not is_reserved(item[0]))
        chosen.setdefault(repr(own), trial_id)
        if len(chosen) == top:
            break
    return list(chosen.values())
