"""A search that starts from what is known: points that were good, results of others."""

import logging
from collections.abc import Mapping
from typing import Any

from keras_tuner import oracles
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.goals.goals import Goals
from tuner_component.search.options import Known
from tuner_component.search.reserved import is_reserved
from tuner_component.search.space.dimensions import Dimension, dimensions
from tuner_component.search.space.points import active

_LOG = logging.getLogger(__name__)


def start_from(oracle: Any, known: Known) -> None:
    """Has an oracle start with what is known.

    The points become its first trials; a tuner that only finds its hyperparameters in
    its first trial has that one before. Results are for oracles with a method
    `learn_from`; those of KerasTuner know none but their own. What does not fit the
    search space is skipped with a message.

    Args:
        oracle: Fresh from its constructor.
        known: What is known. A point that was tried before is not tried again.
    """
    if not (known.points or known.results):
        return
    beginning = _Beginning(oracle, known)
    if isinstance(oracle, oracles.HyperbandOracle):
        draw = oracle._random_values
        oracle._random_values = lambda: beginning.point() or draw()
        return
    populate = oracle.populate_space

    def populate_known_first(trial_id: str) -> Any:
        point = beginning.point()
        if point is None:
            return populate(trial_id)
        return {"status": trial_lib.TrialStatus.RUNNING, "values": point}

    oracle.populate_space = populate_known_first


class _Beginning:
    """What an oracle starts with, as soon as its search space is known."""

    def __init__(self, oracle: Any, known: Known) -> None:
        self._oracle = oracle
        self._known: Known | None = known
        self._points: list[dict[str, Any]] = []

    def point(self) -> dict[str, Any] | None:
        """The first known point that no trial has had, so that a resumed search knows
        where it is; None if there is none.
        """
        if self._known is not None and self._oracle.hyperparameters.space:
            known, self._known = self._known, None
            self._fit(known)
        fresh = (p for p in self._points if not self._oracle._duplicate(p))
        return next((dict(point) for point in fresh), None)

    def _fit(self, known: Known) -> None:
        oracle = self._oracle
        space = dimensions(oracle.hyperparameters.space)
        for values in known.points:
            point = _fitted(space, values, "a known point")
            if point is not None and point not in self._points:
                self._points.append(point)
        if self._points and isinstance(oracle, oracles.GridSearchOracle):
            _LOG.info(
                "A grid search tries every point: the known ones get no priority."
            )
            self._points = []
        if not hasattr(oracle, "learn_from"):
            return
        if known.results and isinstance(getattr(oracle, "goals", None), Goals):
            _LOG.info(
                "Earlier trials are not learned from: they tell their scores alone, and "
                "nothing of several objectives or of constraints."
            )
            return
        results = [
            (point, score, stopped_after)
            for values, score, stopped_after in known.results
            if (point := _fitted(space, values, "an earlier trial")) is not None
        ]
        oracle.learn_from(results)
        _LOG.info("The oracle learns from %d trials of earlier searches.", len(results))


def _fitted(
    space: list[Dimension], values: Mapping[str, Any], what: str
) -> dict[str, Any] | None:
    """A point in today's search space; None, and a message, if it has no place there.

    Hyperparameters that are new today get their default, as KerasTuner does with what
    it finds on the way.
    """
    given = {k: v for k, v in values.items() if not is_reserved(k)}
    if strange := given.keys() - {dimension.name for dimension in space}:
        _LOG.warning(
            "Skipping %s, %s: today's search space has no hyperparameter %s.",
            *(what, given, ", ".join(map(repr, sorted(strange)))),
        )
        return None
    point: dict[str, Any] = {}
    for _, dimension, value in active(space, given):
        if dimension.number(value) is None:
            _LOG.warning(
                "Skipping %s, %s: expected %r to be a value of %r. Received: %r.",
                *(what, given, dimension.name, dimension.hp, value),
            )
            return None
        point[dimension.name] = value
    return point
