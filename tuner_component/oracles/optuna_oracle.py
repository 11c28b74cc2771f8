"""Optuna's samplers as an oracle of KerasTuner's."""

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.oracles import neighbours, samplers, second_tries
from tuner_component.oracles.fidelities import Fidelities
from tuner_component.oracles.optuna_study import OptunaStudy, Result, violations
from tuner_component.search.goals.goals import Goals
from tuner_component.search.oracle.ranking import candidate_of
from tuner_component.search.space import dimensions

# These draw their points: asked again, they suggest another one.
_DRAWING = ("cmaes", "qmc", "random")
# After so many suggestions of points that were tried before, a point is chosen without
# the sampler.
_MAX_REPEATS = 20
# The others look for the best point, and find it again however often they are asked: in
# a space of a few hundred points a suggestion took 16 of theirs on average, half a second
# at 200 trials. The nearest untried point costs nothing, and is where they would go next.
_MAX_REPEATS_OF_BEST = 2
# Optuna's own of these look at trials that ran to their end alone.
_OF_WHOLE_TRIALS = ("cmaes", "gp")


class OptunaOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """Suggests trials by one of Optuna's samplers.

    Understands the whole of a search space: steps and samplings, ordered and unordered
    choices, conditional scopes, and hyperparameters that are found during the search.
    Takes trials in flight into account, and failed ones. Never suggests a point twice
    while others are left. When none are left, points whose trials a stopping rule stopped
    are tried a second time; then the search ends.

    The samplers by name:

    - `"tpe"`: tree-structured Parzen estimators, multivariate. The one to start with.
    - `"gp"`: a Gaussian process. For few trials that take long; needs PyTorch.
    - `"cmaes"`: covariance matrix adaptation. For many trials of numbers; unordered
      choices and conditions are drawn at random.
    - `"qmc"`: points that are spread evenly; learns nothing.
    - `"random"`.

    With a name, a search that is interrupted and resumed suggests what it would have
    suggested (`"cmaes"` starts again from its best trials). A sampler object is used as
    it is: in a resumed search its random numbers are those that it has then.

    Args:
        objective: See `keras_tuner.Oracle`.
        max_trials: How many trials at most; the search ends earlier if every point of the
            search space was trained to the end.
        sampler: A name, or one of Optuna's samplers.
        seed: Makes the search reproducible.
        hyperparameters: See `keras_tuner.Oracle`.
        tune_new_entries: See `keras_tuner.Oracle`.
        allow_new_entries: See `keras_tuner.Oracle`.
        max_retries_per_trial: See `keras_tuner.Oracle`.
        max_consecutive_failed_trials: See `keras_tuner.Oracle`.

    Attributes:
        goals: What trials are compared by; None for the objective alone.

    Raises:
        ValueError: If there is no such sampler.
        ImportError: If the sampler is "gp" and PyTorch is not installed.
    """

    def __init__(
        self,
        objective: Any = None,
        max_trials: int = 10,
        sampler: Any = "tpe",
        seed: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
    ) -> None:
        samplers.check(sampler)
        if isinstance(sampler, str):
            samplers.make(sampler, 0, 0, ())  # Fails now if something is missing.
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            seed=seed,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        self._sampler = sampler
        self._prior: list[tuple[Mapping[str, Any], float, int | None]] = []
        self._study: OptunaStudy | None = None
        self._fidelities = Fidelities()
        self._told: set[str] = set()
        self._added: list[Any] = []
        self.goals: Goals | None = None

    def pursue(self, goals: Goals) -> None:
        """Takes goals into account: see `search.oracle.aims`.

        Raises:
            ValueError: If the sampler knows neither several objectives nor constraints.
        """
        samplers.check_goals(self._sampler, goals)
        self.goals, self._study = goals, None

    def learn_from(
        self, trials: Iterable[tuple[Mapping[str, Any], float, int | None]]
    ) -> None:
        """Takes results of earlier searches as if they were of this one.

        Args:
            trials: Values and score of each, of the same objective, and after how many
                epochs it was stopped, or None. They are not trials of this search: a
                point among them may be tried again.
        """
        self._prior.extend(trials)
        self._study = None

    def learn_curve(
        self, trial_id: str, curve: Sequence[float], stopped_after: int | None
    ) -> None:
        """Hears how far a trial was trained: see `search.stopping.curve_hearing`.

        Args:
            trial_id: A trial that has ended.
            curve: Its best value so far after each epoch.
            stopped_after: After how many epochs it was stopped, if it was: its score is
                not what it would have come to, and its point may be tried once more.
        """
        if self.trials[trial_id].status == trial_lib.TrialStatus.COMPLETED:
            self._fidelities.learn(trial_id, curve, stopped_after)

    def settle_trial(self, trial_id: str) -> None:
        """Hears that somebody has ended a trial: its point is not tried again."""
        self._fidelities.settle(trial_id)

    def get_state(self) -> dict[str, Any]:
        """KerasTuner's own state: all else that this oracle knows follows from it.

        Not superfluous: if a class does not override this method, the plain attributes
        that it changes are journaled, too.
        """
        state: dict[str, Any] = super().get_state()
        return state

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Suggests a point: see `keras_tuner.Oracle.populate_space`."""
        space = dimensions.dimensions(self.hyperparameters.space)
        study = self._synchronized(space)
        values = self._suggestion(study, trial_id, space)
        if values is None:
            # A running trial may still find a hyperparameter, and with it new points; or
            # it may be stopped, and its point be worth another try.
            status = trial_lib.TrialStatus
            return {"status": status.IDLE if self.ongoing_trials else status.STOPPED}
        return {"status": trial_lib.TrialStatus.RUNNING, "values": values}

    def _suggestion(
        self, study: OptunaStudy, trial_id: str, space: list[dimensions.Dimension]
    ) -> dict[str, Any] | None:
        """A point that may be tried; None if there is none."""
        draws = self._sampler in _DRAWING
        repeats = _MAX_REPEATS if draws else _MAX_REPEATS_OF_BEST
        if self._sampler == "qmc":
            repeats += len(self.trials)  # Its sequence starts over after a resume.
        for attempt in range(repeats):
            sampler = self._make_sampler(study, attempt)
            values = study.ask(trial_id, space, sampler)
            if not self._duplicate(values):
                return values
            study.drop(trial_id)
        draw = random.Random(self._sequence(repeats))
        found = None
        if not draws:
            found = neighbours.nearest(space, values, self._duplicate, draw)
        tried, is_tried = len(self._tried_so_far), self._duplicate
        found = found or neighbours.untried(space, tried, is_tried, draw)
        found = found or self._second_try(space)
        if found is not None:
            study.add(trial_id, space, found, None)
        return found

    def _second_try(self, space: list[dimensions.Dimension]) -> dict[str, Any] | None:
        """A point of which it is not known what it comes to; None if there is none."""
        candidates = self._fidelities.untrusted(self._id_to_hash)
        if not candidates:
            return None
        maximize = self.objective.direction == "max"
        trial_id = second_tries.most_promising(
            space, self.trials, self._fidelities, candidates, maximize
        )
        return dict(self.trials[trial_id].hyperparameters.values)

    def _make_sampler(self, study: OptunaStudy, attempt: int) -> Any:
        if not isinstance(self._sampler, str):
            return self._sampler
        number = self._sequence(attempt)
        known = study.numeric(self._added) if self._sampler == "cmaes" else ()
        constrained = self.goals is not None and bool(self.goals.constraints)
        violation = violations if constrained else None
        return samplers.make(self._sampler, self.seed, number, known, violation)

    def _sequence(self, attempt: int) -> int:
        """Numbers every suggestion of a search: a resumed one has the same numbers."""
        return len(self.trials) * 10_000 + attempt

    def _synchronized(self, space: list[dimensions.Dimension]) -> OptunaStudy:
        """The study, told of all that has happened."""
        if self._study is None:
            self._study = self._rebuilt(space)
        for trial_id in self.start_order:
            # Its point is not from a sampler: it was known to be good before the search.
            if not self._study.knows(trial_id):
                values = self.trials[trial_id].hyperparameters.values
                self._study.add(trial_id, space, values, None)
        for trial_id in self.end_order:
            if trial_id not in self._told:
                trial = self.trials[trial_id]
                values, result = trial.hyperparameters.values, self._result(trial)
                self._study.tell(trial_id, space, values, result)
                self._told.add(trial_id)
        return self._study

    def _rebuilt(self, space: list[dimensions.Dimension]) -> OptunaStudy:
        """A new study of all trials: after a resume, or with those of other searches."""
        objective = self.objective
        maximize = objective is not None and objective.direction == "max"
        count = 0 if self.goals is None else len(self.goals.objectives)
        study = OptunaStudy(maximize, count)
        for values, score, stopped_after in self._prior:
            # Of what others gained after that epoch nothing is known.
            if stopped_after is None or self._sampler not in _OF_WHOLE_TRIALS:
                study.add(None, space, values, Result(score, stopped_after))
        self._told = set(self.end_order)
        for trial_id in self.start_order:
            trial = self.trials[trial_id]
            ended = trial_id in self._told
            study.add(
                trial_id,
                space,
                trial.hyperparameters.values,
                self._result(trial) if ended else None,
            )
        self._added = study.trials
        return study

    def _result(self, trial: Any) -> Result:
        """What the sampler is told of a trial that has ended."""
        if trial.status != trial_lib.TrialStatus.COMPLETED:
            return Result()
        if self.goals is not None:
            point = self.goals.point_of(candidate_of(trial))
            return Result(trial.score, point=point)
        if self._sampler in _OF_WHOLE_TRIALS:
            return Result(self._fidelities.estimate(trial.trial_id, trial.score))
        return self._fidelities.result(trial.trial_id, trial.score)
