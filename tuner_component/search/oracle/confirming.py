"""How a search goes on when it is over: its best trials are run again."""

from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search.oracle.pausable import PausableOracle
from tuner_component.search.oracle.ranking import Ranking
from tuner_component.search.oracle.reruns import RerunOracle
from tuner_component.search.study.study import Study

_Status = trial_lib.TrialStatus


class ConfirmingOracle(PausableOracle):
    """What a durable oracle does about re-runs. Where none is wanted nothing is noticed.

    They are trials like any other for whoever runs them: they are journaled, retried and
    resumed. The oracle that it wraps never hears of them, and they are never the best.
    """

    __slots__ = ("_reruns", "_study", "ranking")

    _reruns: RerunOracle
    _study: Study
    ranking: Ranking

    @property
    def trials(self) -> dict[str, Any]:
        """The trials of the search, and after them its re-runs, by their ids."""
        found: dict[str, Any] = self._inner.trials
        return {**found, **self._reruns.trials} if self._reruns.trials else found

    @trials.setter
    def trials(self, value: Any) -> None:
        self._inner.trials = value

    @property
    def reruns(self) -> dict[str, Any]:
        """The re-runs alone, by their ids."""
        found: dict[str, Any] = self._reruns.trials
        return found

    def rerun_scores(self) -> dict[str, tuple[float | None, ...]]:
        """What the re-runs came to that have ended, by the trials that they confirm."""
        results = self._reruns.results()
        return {trial_id: tuple(told.values()) for trial_id, told in results.items()}

    @property
    def reruns_at_most(self) -> int:
        """How many re-runs there will be, those that there are included, if none fails."""
        return self._reruns.at_most

    @property
    def to_confirm(self) -> frozenset[str]:
        """Ids of the trials that are run again, or were."""
        plan = self._reruns.plan
        return frozenset(plan.trials if plan else ())

    def get_trial(self, trial_id: str) -> Any:
        """A trial, or a re-run, by its id."""
        return self._reruns.trials.get(trial_id) or self._inner.get_trial(trial_id)

    def get_best_trials(self, num_trials: int | None = 1) -> list[Any]:
        """The best trials, best first: see `keras_tuner.Oracle.get_best_trials`.

        Those that are confirmed come first, by the means of their re-runs.

        Args:
            num_trials: How many at most; all that completed if None.
        """
        with self._lock:
            if self._reruns.plan is None:
                return self.ranking.best(num_trials)
            return self._reruns.order(self.ranking.best(None))[:num_trials]

    def _owner(self, trial_id: str) -> Any:
        """The oracle that a trial is of."""
        return self._reruns if trial_id in self._reruns.trials else self._inner

    def _next(self, tuner_id: str) -> Any:
        """A trial for a tuner: of the search or, once that is over, a re-run."""
        over = self._search_is_over and not self._reruns.begun
        if over and not self._confirm():
            return self._supply.nothing(_Status.STOPPED)
        trial = super()._next(tuner_id)
        stopped = trial.status == _Status.STOPPED and not self._open.any
        if stopped and self._confirm():
            return self._supply.next(tuner_id)
        return trial

    @property
    def _search_is_over(self) -> bool:
        """Whether the search was over in an earlier run, and has lost nothing since."""
        journal = self._study.journal
        known = self._reruns.plan is not None or self._study.search_is_over
        return known and not journal.missing and journal.is_right

    def _confirm(self) -> bool:
        """Begins with the re-runs; tells whether there is anything to begin with."""
        if self._reruns.begun:
            return False
        before, plan = self._reruns.plan, self._reruns.begin()
        if plan is None:
            return False
        if plan != before:
            self._ledger.confirming(plan)
        self._open.waiting.extend(self._reruns.waiting())
        return True
