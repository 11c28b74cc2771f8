"""The best trials of a search, run again with other seeds: an oracle of their own.

The search's oracle never hears of them: what it suggests, or would, does not depend on
whether trials are confirmed. What they are for is in `search.study.confirmation`.
"""

from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.kerastuner.repairs import RepairedOracle
from tuner_component.search.oracle import restore, trials
from tuner_component.search.reserved import EPOCHS, INITIAL_EPOCH, PARENT
from tuner_component.search.study import confirmation
from tuner_component.search.study.confirmation import Plan
from tuner_component.search.study.history import is_number


class Rerun(trial_lib.Trial):  # type: ignore[misc]
    """A trial that runs another one again.

    Attributes:
        confirms: Id of that trial.
        rerun: Which of its re-runs this is, from 1.
    """

    def __init__(
        self, hyperparameters: Any, trial_id: str, confirms: str, rerun: int
    ) -> None:
        super().__init__(hyperparameters, trial_id)
        self.confirms = confirms
        self.rerun = rerun


def marks(trial: trial_lib.Trial) -> dict[str, Any]:
    """What the records of a trial say if it is a re-run; nothing of another one."""
    if not isinstance(trial, Rerun):
        return {}
    return {"confirms": trial.confirms, "rerun": trial.rerun}


def confirms_of(trial: trial_lib.Trial) -> str | None:
    """The trial that a trial runs again; None if it is one of the search."""
    return trial.confirms if isinstance(trial, Rerun) else None


class RerunOracle(RepairedOracle):
    """Takes metrics and ends of re-runs as KerasTuner does, and scores as the user does.

    Args:
        oracle: The search's: repaired, restored.
        restored: What the study tells.
        top: How many of the best trials are run again; 0 for none.
        seeds: How often each of them is.

    Attributes:
        plan: Which trials are run again; None as long as that is not known.
        begun: Whether re-runs are handed out.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        restored: restore.Restored,
        top: int = 0,
        seeds: int = 3,
    ) -> None:
        # A seed, since KerasTuner draws one otherwise; it suggests nothing.
        super().__init__(
            objective=oracle.objective,
            seed=1,
            max_retries_per_trial=oracle.max_retries_per_trial,
        )
        self.verbose = 0
        self.plan: Plan | None = restored.history.plan
        self.begun = False
        self._search = oracle
        self._top = top
        self._seeds = seeds
        for told in restored.history.reruns.values():
            space = restored.spaces.hyperparameters(told.space, told.values)
            rerun = Rerun(space, told.trial_id, told.confirms or "", told.rerun)
            restore.take_end(rerun, told)
            self.trials[rerun.trial_id] = rerun
            self._run_times[rerun.trial_id] = restore.run_times(told)

    @property
    def at_most(self) -> int:
        """How many re-runs there will be, if none fails."""
        if not self._top:
            return len(self.trials)
        top = self._top if self.plan is None else len(self.plan.trials)
        return top * self._seeds

    def score_trial(self, trial: Any) -> None:
        """Scores a re-run as any trial of the search."""
        self._search.score_trial(trial)

    def results(self) -> confirmation.Results:
        """What came of the re-runs that have ended."""
        return confirmation.collected(
            (rerun.confirms, rerun.rerun, rerun.score)
            for rerun in self.trials.values()
            if rerun.status in ("COMPLETED", "FAILED")
        )

    def begin(self) -> Plan | None:
        """Settles which trials are run again, once the search itself is over.

        Returns:
            Which; None if none is to be.
        """
        ranked = trials.ranked(self._search)
        if not (self._top and ranked):
            return None
        values = [(t.trial_id, t.hyperparameters.values) for t in ranked]
        chosen = {*confirmation.distinct(values, self._top), *self._confirmed()}
        order = tuple(t.trial_id for t in ranked if t.trial_id in chosen)
        self.plan = Plan(order, self._seeds, self._top)
        self.begun = True
        return self.plan

    def _confirmed(self) -> list[str]:
        """The trials that were run again before, as often as is wanted now."""
        wanted = set(range(1, self._seeds + 1))
        return [i for i, told in self.results().items() if wanted <= told.keys()]

    def waiting(self) -> list[str]:
        """Ids of the re-runs of earlier runs of the search that are to be gone on with."""
        told = self.results()
        return [
            trial_id
            for trial_id, rerun in self.trials.items()
            if rerun.status == "RUNNING"
            and self.plan
            and self.plan.is_wanted(rerun.confirms, rerun.rerun, told)
        ]

    def next(self) -> Rerun | None:
        """Creates the next re-run; None if there is none."""
        if self.plan is None:
            return None
        created = [(rerun.confirms, rerun.rerun) for rerun in self.trials.values()]
        found = self.plan.next_run(self.results(), created)
        if found is None:
            return None
        confirms, number = found
        space = self._search.trials[confirms].hyperparameters.copy()
        space.values = self._whole(space.values)
        rerun = Rerun(space, self._new_id(confirms, number), confirms, number)
        self.trials[rerun.trial_id] = rerun
        return rerun

    def order(self, ranked: list[Any]) -> list[Any]:
        """Trials of the search, the best score first, with those that are confirmed before."""
        by_id = {trial.trial_id: trial for trial in ranked}
        order = confirmation.confirmed_first(
            self.plan, self.results(), self.objective.direction, list(by_id)
        )
        return [by_id[trial_id] for trial_id in order]

    def _whole(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values with which a training is whole, and begins at its beginning."""
        whole = {name: value for name, value in values.items() if name != PARENT}
        if INITIAL_EPOCH in whole:
            whole[INITIAL_EPOCH] = 0
        if EPOCHS in whole:
            whole[EPOCHS] = getattr(self._search, "max_epochs", whole[EPOCHS])
        return whole

    def _new_id(self, confirms: str, number: int) -> str:
        """An id that says what it confirms, and of which the search has none.

        It is a number where that of the trial is one: code for KerasTuner may count on it.
        """
        trial_id = f"{number}000{confirms}"
        if not is_number(trial_id):
            trial_id = f"{confirms}-rerun-{number}"
        while trial_id in self._search.trials or trial_id in self.trials:
            trial_id = f"{trial_id}0"
        return trial_id
