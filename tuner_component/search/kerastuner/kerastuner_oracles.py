"""KerasTuner's own oracles, mended: Bayesian optimization, grid search and Hyperband.

Each class here is KerasTuner's with one fault less, and suggests what KerasTuner's does
wherever that fault does not show. `repair` puts it behind the user's oracle class. What
has to be mended in every oracle is in `repairs`.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
)

_ENDED = ("COMPLETED", "FAILED")

# Of a point in the unit cube that Bayesian optimization suggests. One last bit in a
# score moves the eighth digit, or the seventh where there are many trials. KerasTuner's
# optimizer itself stops near the sixth.
_DIGITS = 5


class ResumableBayesian(BayesianOptimizationOracle):  # type: ignore[misc]
    """`BayesianOptimizationOracle` that suggests the same again after a resume.

    It guesses scores only once it has seen some, and rounds what it suggests.

    While trials run, KerasTuner asks its model for their likely scores. A model that was
    never fitted (the first time, or after a resume, which fits none) answers 0 whatever
    the scale of the objective: below the best loss there is, and the search would go
    where it has just been. Here it is fitted to the completed trials first.

    The same trials do not lead KerasTuner to quite the same suggestion: its optimizer
    takes differences over steps of 1e-8, which turn the last bit of a matrix product into
    the eighth digit of a hyperparameter. That bit depends on the CPU and on the build of
    numpy and scipy, and on the number of threads. The next suggestions build on this one,
    so the searches part.
    """

    trials: dict[str, Any]
    ongoing_trials: dict[str, Any]

    def _vectorize_trials(self) -> Any:
        if self.ongoing_trials and not hasattr(self.gpr, "X_train_"):
            self._fit_to_completed()
        return super()._vectorize_trials()

    def _fit_to_completed(self) -> None:
        trials, ongoing = self.trials, self.ongoing_trials
        self.trials = {i: t for i, t in trials.items() if t.status == "COMPLETED"}
        self.ongoing_trials = {}
        try:
            self.gpr.fit(*super()._vectorize_trials())
        finally:
            self.trials, self.ongoing_trials = trials, ongoing

    def _vector_to_values(self, vector: Any) -> Any:
        # On the grid of rounded points, such noise is lost before it is acted upon.
        return super()._vector_to_values([round(float(x), _DIGITS) for x in vector])


class ResumableGrid(GridSearchOracle):  # type: ignore[misc]
    """`GridSearchOracle` whose order of points can be rebuilt.

    A hyperparameter may be found while other trials run, or by a trial after one that
    failed before it got there. The points of those lack it, and KerasTuner ends the
    search with a KeyError where it compares them. Here they have it at its default,
    which is the value that each trial finding it anew gets.

    A name may occur under several conditions, with other values under each. KerasTuner
    takes the last ones for all of them, and ends the search when it has tried a few.
    """

    trials: dict[str, Any]
    start_order: list[str]
    _ordered_ids: Any

    def rebuild_order(self, lost: Collection[str]) -> None:
        """Rebuilds what the state of a grid search does not keep.

        The order of the points is that of their values, each hyperparameter's default
        first, as `_compare` has it.

        Args:
            lost: Ids of trials whose values are lost; their points are found again
                from those before them.
        """
        known = [trial_id for trial_id in self.start_order if trial_id not in lost]

        def position(trial_id: str) -> list[int]:
            return self._position(self.trials[trial_id].hyperparameters.values)

        self._ordered_ids = type(self._ordered_ids)()
        for trial_id in sorted(known, key=position):
            self._ordered_ids.insert(trial_id)
        if lost:
            self._populate_next = known

    def snapped(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The point of the grid that some values are.

        Raises:
            ValueError: If they are none.
        """
        known = {hp.name: hp for hp in self.hyperparameters.space}
        known |= {hp.name: hp for hp, _ in self._active(values)}
        return {
            name: _on_grid(name, value, list(known[name].values))
            for name, value in values.items()
        }

    def take_in(self, trial_id: str, values: Mapping[str, Any]) -> None:
        """Takes a trial into the order of points that is not the next in it.

        When the search comes to its point, that is not tried again.

        Args:
            trial_id: The trial, which is about to be created. It is not the first.
            values: Its values: a point of the grid.
        """
        order = list(self._in_order())
        known = [self.trials[i].hyperparameters.values for i in order]
        place = sum(self._compare(one, values) < 0 for one in known)
        self._ordered_ids = type(self._ordered_ids)()
        for each in (*order[:place], trial_id, *order[place:]):
            self._ordered_ids.insert(each)

    def _in_order(self) -> Iterator[str]:
        """The trials in the order of their points."""
        ids = self._ordered_ids
        index = ids._next_index[None]
        while index is not None:
            yield ids._memory[index]
            index = ids._next_index[index]

    def _compare(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> int:
        first, second = self._position(a), self._position(b)
        return (first > second) - (first < second)

    def _get_next_combination(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        active = self._active(values)
        for place, (hp, value) in reversed(list(enumerate(active))):
            ranked = _ranked_values(hp)
            if value != ranked[-1]:
                before = {one.name: known for one, known in active[:place]}
                following = ranked[ranked.index(value) + 1]
                point = self._active({**before, hp.name: following})
                return {one.name: known for one, known in point}
        return None

    def _position(self, values: Mapping[str, Any]) -> list[int]:
        """Where a point is in the order: the rank of each value, -1 where none is active."""
        ranks = {
            id(hp): _ranked_values(hp).index(value)
            for hp, value in self._active(values)
        }
        return [ranks.get(id(hp), -1) for hp in self.hyperparameters.space]

    def _active(self, values: Mapping[str, Any]) -> list[tuple[Any, Any]]:
        """The hyperparameters that are active at a point, each name once, and their values.

        What the point lacks has its default.
        """
        known, found = dict(values), dict[str, tuple[Any, Any]]()
        for hp in self.hyperparameters.space:
            holds = all(condition.is_active(known) for condition in hp.conditions)
            if holds and hp.name not in found:
                found[hp.name] = hp, known.setdefault(hp.name, hp.default)
        return list(found.values())


class FaultTolerantHyperband(HyperbandOracle):  # type: ignore[misc]
    """`HyperbandOracle` whose brackets go on although trials fail.

    KerasTuner promotes a trial once more trials of its round have *completed* than the
    round will throw out. A failed trial never completes, so each failure costs a
    promotion: two failures among the first 98 trials of a bracket, and nothing reaches
    its last round. Here a failed trial counts as what it is, the first to be thrown out.
    Without failures, the suggestions are KerasTuner's own.

    Attributes:
        iterates_on: Whether another iteration follows the last one, so that nothing but
            `max_trials` ends the search.
    """

    iterates_on = False
    hyperband_iterations: float
    _brackets: list[dict[str, Any]]
    _current_iteration: int

    def set_state(self, state: dict[str, Any]) -> None:
        """See `keras_tuner.Oracle.set_state`; how far to go is not a part of it."""
        wanted = self.hyperband_iterations
        super().set_state(state)
        # KerasTuner ends after exactly so many: one that has begun must come to its end.
        self.hyperband_iterations = max(wanted, self._current_iteration + 1)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """See `keras_tuner.Oracle.populate_space`."""
        self._remove_completed_brackets()
        for bracket in self._brackets:
            if not self._is_closed(bracket, 0):
                break
            promoted = self._promote(bracket, trial_id)
            if promoted is not None:
                return {"status": "RUNNING", "values": promoted}
        # With no trial left to promote, the next step is KerasTuner's: a random trial for
        # the open first round, a new bracket, or the end.
        wanted = self.hyperband_iterations
        if self.iterates_on:
            self.hyperband_iterations = math.inf
        try:
            suggestion: dict[str, Any] = super().populate_space(trial_id)
        finally:
            self.hyperband_iterations = wanted
        return suggestion

    def _remove_completed_brackets(self) -> None:
        self._brackets = [
            bracket
            for bracket in self._brackets
            if not self._is_closed(bracket, len(bracket["rounds"]) - 1)
        ]

    def _promote(self, bracket: dict[str, Any], trial_id: str) -> dict[str, Any] | None:
        """Values that continue the best trial of a round that can spare it."""
        number = bracket["bracket_num"]
        for index in range(1, len(bracket["rounds"])):
            candidates = self._candidates(bracket, index)
            if not candidates:
                continue
            pick = max if self.objective.direction == "max" else min
            best = pick(candidates, key=lambda trial: trial.score)
            bracket["rounds"][index].append({"past_id": best.trial_id, "id": trial_id})
            return {
                **best.hyperparameters.values,
                "tuner/trial_id": best.trial_id,
                "tuner/epochs": self._get_epochs(number, index),
                "tuner/initial_epoch": self._get_epochs(number, index - 1),
                "tuner/bracket": number,
                "tuner/round": index,
            }
        return None

    def _candidates(self, bracket: dict[str, Any], index: int) -> list[Any]:
        """Trials of the round before, the best of which may enter this round now."""
        past = self._trials_of(bracket, index - 1)
        selected = {entry["past_id"] for entry in bracket["rounds"][index]}
        candidates = [
            trial
            for trial in past
            if trial.status == "COMPLETED" and trial.trial_id not in selected
        ]
        past_size = self._get_size(bracket["bracket_num"], index - 1)
        losers = past_size - self._get_size(bracket["bracket_num"], index)
        losers -= sum(trial.status == "FAILED" for trial in past)
        if self._is_closed(bracket, index - 1):
            losers -= past_size - len(past)  # Those that failed rounds ago.
        return candidates if len(candidates) > max(losers, 0) else []

    def _is_closed(self, bracket: dict[str, Any], index: int) -> bool:
        """Whether a round has all the trials it will ever get."""
        size = self._get_size(bracket["bracket_num"], index)
        if len(bracket["rounds"][index]) >= size:
            return True
        return (
            index > 0
            and self._is_closed(bracket, index - 1)
            and all(t.status in _ENDED for t in self._trials_of(bracket, index - 1))
            and not self._candidates(bracket, index)
        )

    def _trials_of(self, bracket: dict[str, Any], index: int) -> list[Any]:
        return [self.trials[entry["id"]] for entry in bracket["rounds"][index]]


def _ranked_values(hyperparameter: Any) -> list[Any]:
    default = hyperparameter.default
    return [default, *(v for v in hyperparameter.values if v != default)]


def _on_grid(name: str, value: Any, known: Sequence[Any]) -> Any:
    if value in known:
        return known[known.index(value)]
    if isinstance(value, float):
        for one in known:
            if math.isclose(one, value, rel_tol=1e-6):
                return one
    raise ValueError(
        f"Expected a value of {name!r} that this grid search tries: "
        f"{', '.join(map(str, known[:20]))}. Received: {value!r}."
    )
