"""What all findings about a study are made from, worked out once."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping

from tuner_component.report import importance
from tuner_component.report.importance import Weights
from tuner_component.report.judgement import space
from tuner_component.report.judgement.noise import Noise, noise_of, own
from tuner_component.report.judgement.space import Range
from tuner_component.report.record import StudyRecord, TrialRecord
from tuner_component.search.spelling import counted

# A trial within so many deviations of another one is as good, as far as anyone can tell:
# the difference of two scores has a deviation of 1.4 of theirs.
_ALIKE = 2.0 * math.sqrt(2)
# The difference of two equal trials is rarely as many of its deviations.
CLEAR = 2.0
# A probability that people take for sure.
SURE = 0.95
# So many of the better trials are enough to see what matters among them.
_BETTER = 500


@dataclasses.dataclass(frozen=True)
class Evidence:
    """A study, and what can be known of it.

    Attributes:
        study: The study.
        weights: How much each hyperparameter matters.
    """

    study: StudyRecord
    weights: Weights

    @classmethod
    def of(cls, study: StudyRecord, weights: Weights | None = None) -> Evidence:
        """The evidence in a study.

        Args:
            study: The study.
            weights: What `importance.weights` says of it, if that is known already.
        """
        return cls(study, importance.weights(study) if weights is None else weights)

    @functools.cached_property
    def completed(self) -> list[TrialRecord]:
        """The trials that completed, best first."""
        return self.study.completed

    @functools.cached_property
    def noise(self) -> Noise | None:
        """How far scores of equal configurations are apart."""
        return noise_of(self.study)

    @functools.cached_property
    def ranges(self) -> Mapping[str, Range]:
        """The search space."""
        return space.ranges(self.study)

    @functools.cached_property
    def rivals(self) -> list[TrialRecord]:
        """Completed trials, best first, that meet the constraints if the best one does."""
        goals = self.study.goals
        if goals is None or not self.completed:
            return self.completed
        wanted = goals.violation(self.completed[0].metrics)
        return [t for t in self.completed if goals.violation(t.metrics) <= wanted]

    @property
    def which_rivals(self) -> str:
        """How many rivals there are, and which trials these are if they are not all."""
        told, best = counted(len(self.rivals), "trial"), self.study.best
        if len(self.rivals) == len(self.completed) or best is None:
            return told
        goals = self.study.goals
        short = goals is not None and goals.violation(best.metrics) > 0
        return f"{told} that {'come closest to' if short else 'meet'} the constraints"

    @functools.cached_property
    def is_exhausted(self) -> bool:
        """Whether the search ended since there was nothing left that it had not tried.

        Hyperband ends by itself, and goes on for more trials all the same.
        """
        study = self.study
        if study.status != "finished" or study.ended_because or not study.trials:
            return False
        is_short = study.max_trials is None or len(study.trials) < study.max_trials
        return is_short and "Hyperband" not in (study.oracle or "")

    @property
    def name(self) -> str:
        """The objective's name."""
        return self.study.objective.name if self.study.objective else "score"

    @property
    def sign(self) -> float:
        """1 if larger scores are better, else -1."""
        objective = self.study.objective
        return 1.0 if objective and objective.direction == "max" else -1.0

    @property
    def is_single(self) -> bool:
        """Whether one score decides which trial is best."""
        return self.study.objective is not None and not self.study.objectives

    @functools.cached_property
    def confirmed(self) -> dict[str, tuple[float, int]]:
        """The means of re-runs, and of how many they are, by the ids of trials."""
        found = self.study.confirmation
        return {
            trial.trial_id: (trial.mean, trial.seeds)
            for trial in (found.confirmed if found else [])
            if trial.mean is not None
        }

    def are_confirmed(self, one: TrialRecord, other: TrialRecord) -> bool:
        """Whether two trials are compared by the means of their re-runs."""
        return {one.trial_id, other.trial_id} <= self.confirmed.keys()

    def compared(
        self, one: TrialRecord, other: TrialRecord
    ) -> tuple[tuple[float, int], tuple[float, int]]:
        """What two trials are compared by: a value of each, and of how many scores.

        The means of re-runs count if both trials have them.
        """
        if self.are_confirmed(one, other):
            return self.confirmed[one.trial_id], self.confirmed[other.trial_id]
        return (one.score or 0.0, 1), (other.score or 0.0, 1)

    def gain(self, better: TrialRecord, other: TrialRecord) -> float:
        """By how much one trial is better than another: see `compared`."""
        (one, _), (two, _) = self.compared(better, other)
        return self.sign * (one - two)

    def doubt(self, better: TrialRecord, other: TrialRecord) -> float | None:
        """The deviation of the difference of two trials that are in truth equal."""
        if self.noise is None:
            return None
        (_, one), (_, two) = self.compared(better, other)
        return self.noise.deviation * math.sqrt(1 / one + 1 / two)

    @functools.cached_property
    def leads_clearly(self) -> bool:
        """Whether the best trial's lead over the next one is more than chance.

        Re-runs say so by a probability, all else by how many deviations it is.
        """
        if self.noise is None or len(self.rivals) < 2:
            return False
        found = self.study.confirmation
        if self.noise.source == "re-runs" and found and found.probability is not None:
            return found.probability >= SURE
        best, second, *_ = self.rivals
        return self.gain(best, second) > CLEAR * (self.doubt(best, second) or 0.0)

    @functools.cached_property
    def alike(self) -> list[TrialRecord]:
        """The trials whose scores the noise alone may put behind the best one's."""
        if not self.is_single or self.noise is None or len(self.rivals) < 2:
            return []
        best, *others = self.rivals
        limit = _ALIKE * self.noise.deviation
        scores = [self.sign * ((best.score or 0.0) - (t.score or 0.0)) for t in others]
        return [t for t, gap in zip(others, scores, strict=True) if abs(gap) <= limit]

    @functools.cached_property
    def weights_of_better(self) -> Weights:
        """How much each hyperparameter matters among the better half of the trials.

        What matters there may be nothing beside what separates the good from the bad.
        """
        better = self.completed[: min(len(self.completed) // 2, _BETTER)]
        return importance.weights(dataclasses.replace(self.study, trials=better))

    @functools.cached_property
    def default(self) -> TrialRecord | None:
        """A trial that ran with the default hyperparameters; a completed one if any did."""
        found = [
            trial
            for trial in (*self.completed, *self.study.trials)
            if space.is_default(own(trial.hyperparameters), self.ranges)
        ]
        return found[0] if found else None
