"""What re-runs with other seeds say of the best trials, and how sure that is."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from tuner_component.search.study.confirmation import (
    Plan,
    Results,
    Standing,
    confirmed_first,
)


@dataclasses.dataclass(frozen=True)
class ConfirmedTrial:
    """A trial that was run again.

    Attributes:
        trial_id: Its id.
        score: Its score in the search, which is no part of the mean: it is among the best
            partly by luck.
        mean: Of the scores of its re-runs that count; None without any.
        spread: Their standard deviation; None of fewer than two.
        seeds: How many count: of trials that are confirmed, as many of each.
        failed: Whether a re-run failed. Then the trial is not confirmed.
        rank_before: Its place among all trials by the scores in the search, from 1.
        rank: Its place now.
    """

    trial_id: str
    score: float
    mean: float | None
    spread: float | None
    seeds: int
    failed: bool
    rank_before: int
    rank: int

    @property
    def is_confirmed(self) -> bool:
        """Whether its mean decides over its rank."""
        return self.mean is not None and not self.failed


@dataclasses.dataclass(frozen=True)
class ConfirmationRecord:
    """How the best trials of a search were confirmed.

    Attributes:
        trials: Those that were run again, the best one first.
        seeds: How often each was to be run again.
        probability: That the hyperparameters of the first are really better than those of
            the second; None if that cannot be said. See `probability`.
    """

    trials: Sequence[ConfirmedTrial]
    seeds: int
    probability: float | None = None

    @property
    def confirmed(self) -> list[ConfirmedTrial]:
        """The confirmed ones, the best mean first."""
        return [trial for trial in self.trials if trial.is_confirmed]


def confirmation_record(
    plan: Plan, results: Results, scores: Mapping[str, float], direction: str
) -> ConfirmationRecord:
    """Says what came of a plan so far.

    Args:
        plan: Which trials are run again.
        results: Of the re-runs that have ended.
        scores: Those of the completed trials of the search, the best first.
        direction: "min" or "max".
    """
    before = list(scores)
    standings = [s for s in plan.standings(results, direction) if s.trial_id in scores]
    now = confirmed_first(plan, results, direction, before)
    trials = [
        ConfirmedTrial(
            trial_id=standing.trial_id,
            score=scores[standing.trial_id],
            mean=standing.mean,
            spread=standing.spread,
            seeds=len(standing.scores),
            failed=standing.failed,
            rank_before=before.index(standing.trial_id) + 1,
            rank=now.index(standing.trial_id) + 1,
        )
        for standing in standings
    ]
    trials.sort(key=lambda trial: trial.rank)
    two = [standing for standing in standings if standing.is_confirmed][:2]
    sure = probability(two[0], two[1], direction) if len(two) == 2 else None
    return ConfirmationRecord(trials, plan.seeds, sure)


def probability(better: Standing, other: Standing, direction: str) -> float | None:
    """How probable it is that one trial's hyperparameters are really better than another's.

    Student's distribution at Welch's t, with the degrees of freedom of Welch and
    Satterthwaite: what two means and spreads say if scores are normally distributed and
    nothing was known before (B. L. Welch, "The generalization of Student's problem when
    several different population variances are involved", Biometrika 34, 1947).

    Returns:
        A number from 0 to 1; None if a trial has fewer than two scores, or none of them
        varies.
    """
    means, errors = [], []
    for standing in (better, other):
        if standing.mean is None or standing.spread is None:
            return None
        means.append(standing.mean)
        # A product that is too large is infinite; a power would raise.
        errors.append(standing.spread * standing.spread / len(standing.scores))
    if not (0 < sum(errors) < math.inf):
        return None
    from scipy import stats  # Takes longer than all else here.

    sign = 1 if direction == "max" else -1
    t = sign * (means[0] - means[1]) / math.sqrt(sum(errors))
    terms = zip(errors, (better, other), strict=True)
    total = sum(error * error / (len(s.scores) - 1) for error, s in terms)
    square = sum(errors) * sum(errors)
    freedom = square / total if 0 < total <= square < math.inf else math.inf
    return float(stats.t.cdf(t, freedom))


def warnings(found: ConfirmationRecord) -> Iterator[str]:
    """Sentences about re-runs that do not tell what they are for."""
    same = [t.trial_id for t in found.trials if t.seeds > 1 and t.spread == 0]
    if same:
        yield (
            f"All re-runs of trial {', '.join(same)} have the same score, so they say "
            "nothing about luck. Either the module sets seeds of its own, or what it "
            "trains does not depend on chance."
        )
    if failed := [trial.trial_id for trial in found.trials if trial.failed]:
        yield f"Not confirmed, since a re-run failed: trial {', '.join(failed)}."


def sentences(found: ConfirmationRecord, objective: str) -> Iterator[str]:
    """Says what is published, and how sure it is.

    Args:
        found: What came of the re-runs.
        objective: Name of the objective.
    """
    confirmed = found.confirmed
    if not confirmed:
        yield (
            "No trial is confirmed: the best is the one with the best score in the search, "
            "which is partly luck."
        )
        return
    best = confirmed[0]
    spread = (
        f" (standard deviation {best.spread:.2g})" if best.spread is not None else ""
    )
    which = f"is the best of {len(confirmed)} that were"
    yield (
        f"Trial {best.trial_id} {which if len(confirmed) > 1 else 'was'} run again, with "
        f"other seeds: {objective} {best.mean:.6g} in the mean of {best.seeds}{spread}, "
        f"{best.score:.6g} in the search, where it was number {best.rank_before}."
    )
    if best.seeds < found.seeds:
        have = "has" if best.seeds == 1 else "have"
        yield f"Only {best.seeds} of {found.seeds} re-runs of each {have} ended."
    if len(confirmed) > 1:
        yield _how_sure(found.probability, confirmed[1])


def _how_sure(sure: float | None, second: ConfirmedTrial) -> str:
    if sure is None:
        return (
            f"How sure that is cannot be said: this trial or the next, {second.trial_id}, "
            "has too few scores, or they do not vary."
        )
    percent = min(max(round(100 * sure), 1), 99)
    return (
        f"That it is really better than the next, trial {second.trial_id}, has a "
        f"probability of about {percent} % (Welch's t, from means and spreads alone)."
    )
