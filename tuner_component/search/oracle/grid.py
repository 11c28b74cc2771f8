"""Grid search that finds its place again, and takes new hyperparameters in its stride."""

from collections.abc import Collection, Mapping
from typing import Any

from keras_tuner.oracles import GridSearchOracle


class ResumableGrid(GridSearchOracle):  # type: ignore[misc]
    """`GridSearchOracle` whose order of points can be rebuilt.

    A hyperparameter may be found while other trials run, or by a trial after one that
    failed before it got there. The points of those lack it, and KerasTuner ends the
    search with a KeyError where it compares them. Here they have it at its default,
    which is the value that each trial finding it anew gets.
    """

    trials: dict[str, Any]
    start_order: list[str]
    _ordered_ids: Any

    def rebuild_order(self, lost: Collection[str]) -> None:
        """Rebuilds what the state of a grid search does not keep.

        The order of the points is that of their values, each hyperparameter's default
        first, as `_compare` has it.

        Args:
            lost: Ids of trials whose values nobody knows; their points are found again
                from those before them.
        """
        known = [trial_id for trial_id in self.start_order if trial_id not in lost]
        ranks = {hp.name: _ranked_values(hp) for hp in self.hyperparameters.space}

        def position(trial_id: str) -> list[int]:
            values = self._completed(self.trials[trial_id].hyperparameters.values)
            return [r.index(values[n]) if n in values else -1 for n, r in ranks.items()]

        self._ordered_ids = type(self._ordered_ids)()
        for trial_id in sorted(known, key=position):
            self._ordered_ids.insert(trial_id)
        if lost:
            self._populate_next = known

    def _compare(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> int:
        order: int = super()._compare(self._completed(a), self._completed(b))
        return order

    def _get_next_combination(self, values: Mapping[str, Any]) -> Any:
        return super()._get_next_combination(self._completed(values))

    def _completed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values with the default of each active hyperparameter they lack."""
        completed = dict(values)
        for hp in self.hyperparameters.space:
            if all(condition.is_active(completed) for condition in hp.conditions):
                completed.setdefault(hp.name, hp.default)
        return completed


def _ranked_values(hyperparameter: Any) -> list[Any]:
    default = hyperparameter.default
    return [default, *(v for v in hyperparameter.values if v != default)]
