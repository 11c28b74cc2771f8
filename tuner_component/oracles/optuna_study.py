"""A study of Optuna's in memory, which knows what an oracle knows."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import optuna

from tuner_component.search.goals.front import Point
from tuner_component.search.space.dimensions import Dimension
from tuner_component.search.stopping.pruner import quiet_optuna

# CMA-ES starts from the best tenth of the trials that it is given.
_ENOUGH = 10
# What Optuna calls constraints; and how far a failed trial is from meeting them.
_VIOLATION, _FAILED = "constraints", 1e9


class Result(NamedTuple):
    """What came of a trial.

    Attributes:
        score: Its score; None if it failed.
        stopped_after: The number of epochs after which it was stopped, with that score so
            far; None if the score is final.
        point: With goals, what counts in place of the score; None if there is none.
    """

    score: float | None = None
    stopped_after: int | None = None
    point: Point | None = None


class OptunaStudy:
    """Asks samplers for points, and tells them the scores.

    Args:
        maximize: Whether larger scores are better.
        objectives: With goals, how many there are; 0 without. Then points count, of which
            smaller values are better, and not scores.
    """

    def __init__(self, maximize: bool, objectives: int = 0) -> None:
        ways = optuna.study.StudyDirection
        direction = ways.MAXIMIZE if maximize and not objectives else ways.MINIMIZE
        self._has_goals = objectives > 0
        self._states = optuna.trial.TrialState
        self._storage = optuna.storages.InMemoryStorage()
        with quiet_optuna():
            self._study = optuna.create_study(
                storage=self._storage,
                directions=[direction] * (objectives or 1),
                sampler=optuna.samplers.RandomSampler(),
            )
        self._numbers: dict[str, int] = {}
        self._params: dict[str, dict[str, Any]] = {}

    @property
    def trials(self) -> list[Any]:
        """All trials, as Optuna has them."""
        return self._study.get_trials(deepcopy=False)

    def knows(self, trial_id: str) -> bool:
        """Whether it was asked for a trial, or told of it."""
        return trial_id in self._numbers

    def numeric(self, trials: Sequence[Any]) -> list[Any]:
        """The part of trials that a sampler of numbers can start from.

        Args:
            trials: Of this study, as `trials` has them.

        Returns:
            Those that completed, with only the numbers that all completed trials have:
            Optuna refuses trials with more or less. An empty list if they are too few.
        """
        complete = [t for t in self.trials if t.state == self._states.COMPLETE]
        if not complete:
            return []
        categorical = optuna.distributions.CategoricalDistribution
        common = {
            name: distribution
            for name, distribution in complete[0].distributions.items()
            if not isinstance(distribution, categorical)
            and not distribution.single()
            and all(t.distributions.get(name) == distribution for t in complete)
        }
        if not common:
            return []
        found = [
            optuna.trial.create_trial(
                value=trial.value,
                params={name: trial.params[name] for name in common},
                distributions=common,
            )
            for trial in trials
            if trial.state == self._states.COMPLETE
        ]
        return found if len(found) >= _ENOUGH else []

    def ask(
        self, trial_id: str, space: Sequence[Dimension], sampler: Any
    ) -> dict[str, Any]:
        """Has a sampler suggest a point.

        Args:
            trial_id: The trial that will run there, unless `drop` says otherwise.
            space: The search space.
            sampler: One of Optuna's.

        Returns:
            The values of the hyperparameters that are active there.
        """
        self._study.sampler = sampler
        values: dict[str, Any] = {}
        with quiet_optuna():
            trial = self._study.ask()
            for dimension in space:
                if dimension.name not in values and dimension.is_active(values):
                    number = _suggest(trial, dimension)
                    values[dimension.name] = dimension.value(number)
        self._numbers[trial_id] = trial.number
        self._params[trial_id] = dict(trial.params)
        return values

    def drop(self, trial_id: str) -> None:
        """No trial will run at the point that was suggested for it."""
        self._params.pop(trial_id, None)
        self._study.tell(self._numbers.pop(trial_id), state=self._states.FAIL)

    def add(
        self,
        trial_id: str | None,
        space: Sequence[Dimension],
        values: Mapping[str, Any],
        result: Result | None,
    ) -> None:
        """Adds a trial that no sampler of this study suggested.

        Args:
            trial_id: The trial, if it is one of this search.
            space: The search space by now.
            values: The trial's values.
            result: What came of it; None if it has not ended.
        """
        params, distributions = self._coordinates(space, values)
        state, steps, violation = self._states.RUNNING, {}, dict[str, Any]()
        if result is not None:
            state, steps = self._end(result), self._steps(result)
            violation = {_VIOLATION: _violations(result)}
        trial = optuna.trial.create_trial(
            state=state,
            values=None if result is None else self._values(result),
            params=params,
            distributions=distributions,
            intermediate_values=steps,
            user_attrs=violation,
            system_attrs=violation if self._has_goals else {},
        )
        if trial_id is not None:
            self._numbers[trial_id] = len(self.trials)
            self._params[trial_id] = params
        self._study.add_trial(trial)

    def tell(
        self,
        trial_id: str,
        space: Sequence[Dimension],
        values: Mapping[str, Any],
        result: Result,
    ) -> None:
        """Takes a trial's end.

        Args:
            trial_id: A trial that was asked for or added.
            space: The search space by now.
            values: The trial's values, hyperparameters that it found included.
            result: What came of it.
        """
        params, _ = self._coordinates(space, values)
        # Optuna cannot add a hyperparameter that a trial found to what it was asked for.
        if params.keys() != self._params[trial_id].keys():
            self.drop(trial_id)
            self.add(trial_id, space, values, result)
            return
        number = self._numbers[trial_id]
        its_id = self.trials[number]._trial_id
        for step, score in self._steps(result).items():
            self._storage.set_trial_intermediate_value(its_id, step, score)
        if self._has_goals:
            found = _violations(result)
            self._storage.set_trial_user_attr(its_id, _VIOLATION, found)
            self._storage.set_trial_system_attr(its_id, _VIOLATION, found)
        complete = self._end(result) == self._states.COMPLETE
        with quiet_optuna():
            self._study.tell(
                number,
                self._values(result) if complete else None,
                state=self._end(result),
            )

    def _end(self, result: Result) -> Any:
        # Samplers ignore failed trials, and would go there again. A pruned trial
        # without a value ranks behind all others.
        final = result.score is not None and result.stopped_after is None
        if self._has_goals:
            final = result.point is not None
        return self._states.COMPLETE if final else self._states.PRUNED

    def _values(self, result: Result) -> list[float] | None:
        if self._has_goals:
            return None if result.point is None else list(result.point.values)
        return None if result.score is None else [result.score]

    def _steps(self, result: Result) -> dict[int, float]:
        """The value that a stopped trial had last: samplers compare it with those of others
        that came as far, and rank all of them behind the trials that came further.

        With goals there are none: such a trial counts with what it came to.
        """
        if self._has_goals or result.score is None or result.stopped_after is None:
            return {}
        return {result.stopped_after: result.score}

    def _coordinates(
        self, space: Sequence[Dimension], values: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A point as samplers see it, without what they could not have suggested."""
        params, distributions, seen = {}, {}, set()
        for dimension in space:
            name = dimension.name
            if name in seen or name not in values or not dimension.is_active(values):
                continue
            seen.add(name)
            number = dimension.number(values[name])
            if number is not None:
                params[dimension.key] = number
                distributions[dimension.key] = self._distribution(dimension)
        return params, distributions

    def _distribution(self, dimension: Dimension) -> Any:
        distributions = optuna.distributions
        if dimension.steps is None:
            return distributions.FloatDistribution(0.0, 1.0)
        if dimension.ordered:
            return distributions.IntDistribution(0, dimension.steps - 1)
        return distributions.CategoricalDistribution(list(range(dimension.steps)))


def violations(trial: Any) -> list[float]:
    """Optuna's constraints function: positive numbers are violations."""
    found: list[float] = trial.user_attrs.get(_VIOLATION, [_FAILED])
    return found


def _violations(result: Result) -> list[float]:
    violation = _FAILED if result.point is None else result.point.violation
    return [min(violation, _FAILED)]


def _suggest(trial: Any, dimension: Dimension) -> float:
    if dimension.steps is None:
        number = trial.suggest_float(dimension.key, 0.0, 1.0)
    elif dimension.ordered:
        number = trial.suggest_int(dimension.key, 0, dimension.steps - 1)
    else:
        numbers = list(range(dimension.steps))
        number = trial.suggest_categorical(dimension.key, numbers)
    return number  # type: ignore[no-any-return]
