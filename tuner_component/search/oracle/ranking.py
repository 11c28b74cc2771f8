"""Which of an oracle's trials are the best, by the goals of the search."""

import logging
from typing import Any, NamedTuple

from keras_tuner.engine import trial as trial_lib

from tuner_component.search.goals.goals import (
    Candidate,
    Goals,
    metrics_of,
    shortfall,
)
from tuner_component.search.spelling import counted

_Status = trial_lib.TrialStatus
_log = logging.getLogger(__name__)


class Ranked(NamedTuple):
    """The completed trials by how good they are.

    Attributes:
        trials: All of them, the best one first.
        front: Ids of the front, the best one first; empty if none is looked for.
    """

    trials: list[Any]
    front: list[str]


def candidate_of(trial: Any) -> Candidate:
    """What goals look at of a completed trial."""
    histories = trial.metrics.get_config()["metrics"]
    return Candidate(trial.score, *metrics_of(histories, trial.best_step))


class Ranking:
    """Puts the completed trials of an oracle in order.

    Args:
        oracle: The user's oracle.
        goals: What counts.

    Attributes:
        goals: As above.
    """

    def __init__(self, oracle: Any, goals: Goals) -> None:
        self.goals = goals
        self._oracle = oracle
        # A trial that has ended does not change any more.
        self._candidates: dict[str, Candidate] = {}
        self._warned: set[str] = set()
        self._ranked = Ranked([], [])

    def best(self, number: int | None) -> list[Any]:
        """The best trials, best first: see `keras_tuner.Oracle.get_best_trials`.

        Args:
            number: How many at most; all that completed if None. (KerasTuner's own method
                takes no None where the oracle has no limit.)
        """
        if self.goals.is_plain:
            every = self._oracle.get_best_trials(number or len(self._oracle.trials))
            if number is not None:
                return every  # type: ignore[no-any-return]
            return [trial for trial in every if trial.status == _Status.COMPLETED]
        completed = self.ranked().trials
        if number is None or number <= len(completed):
            return completed[:number]
        others = self._oracle.trials.values()  # As KerasTuner fills up the list.
        every = completed + [t for t in others if t.status != _Status.COMPLETED]
        return every[:number]

    def ranked(self) -> Ranked:
        """All completed trials. If nothing but the score counts, `best` knows more."""
        every = self._oracle.trials.values()
        trials = [t for t in every if t.status == _Status.COMPLETED]
        if len(trials) == len(self._ranked.trials):
            return self._ranked  # Each end is looked at several times.
        order = self.goals.order(list(map(self._candidate, trials)))
        best_first = [trials[place] for place in order.places]
        front = [trial.trial_id for trial in best_first[: order.front]]
        self._ranked = Ranked(best_first, front)
        return self._ranked

    def kept(self, number: int) -> list[str]:
        """Ids of the trials whose models are worth keeping whatever their scores.

        Args:
            number: How many, unless the front has more.
        """
        if self.goals.is_plain:
            return []
        ranked = self.ranked()
        best = ranked.trials[: max(number, len(ranked.front))]
        return [trial.trial_id for trial in best]

    def sentence(self) -> str | None:
        """How the search stands, where the best score does not say it; None if it does."""
        if self.goals.is_plain:
            return None
        ranked = self.ranked()
        if not ranked.trials:
            return None
        if shortfall := self._shortfall(ranked):
            return shortfall
        best = ranked.trials[0]
        if not self.goals.pareto:
            return (
                f"best so far that meets the constraints {best.score:.6g} by trial "
                f"{best.trial_id}"
            )
        count = counted(len(ranked.front), "trial")
        return f"the front has {count}, the most balanced one is {best.trial_id}"

    def outcome(self) -> tuple[list[str], str | None]:
        """The ids of the front, the best one first; and what the best trial falls short of.

        The latter is None if it is what was looked for.
        """
        if self.goals.is_plain:
            return [], None
        ranked = self.ranked()
        return ranked.front, self._shortfall(ranked)

    def _shortfall(self, ranked: Ranked) -> str | None:
        if not ranked.trials:
            return None
        best = ranked.trials[0].trial_id
        metrics = self._candidates[best].metrics
        return shortfall(self.goals, len(ranked.front), best, metrics)

    def _candidate(self, trial: Any) -> Candidate:
        known = self._candidates.get(trial.trial_id)
        if known is None:
            known = candidate_of(trial)
            self._candidates[trial.trial_id] = known
            self._warn(trial.trial_id, known)
        return known

    def _warn(self, trial_id: str, known: Candidate) -> None:
        """Says once of each metric that it is not reported, and what comes of that."""
        for constraint in self.goals.constraints:
            if constraint.metric not in known.metrics:
                self._say(
                    constraint.metric,
                    f"Expected the metric {constraint.metric!r} of the constraint "
                    f'"{constraint}" among those that trial {trial_id} reports. Received: '
                    f"{sorted(known.metrics)}. A trial without it counts as one that "
                    "violates the constraint. Report it after each epoch, or correct its "
                    "name.",
                )
        for name in self.goals.names if self.goals.pareto else ():
            if name not in known.at_best:
                self._say(
                    name,
                    f"Expected the objective {name!r} among the metrics of trial "
                    f"{trial_id} at its best epoch. Received: {sorted(known.at_best)}. It "
                    "cannot be on the front. Report all objectives after each epoch.",
                )

    def _say(self, metric: str, text: str) -> None:
        if metric not in self._warned:
            self._warned.add(metric)
            _log.warning("%s", text)
