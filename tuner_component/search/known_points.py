"""A search that starts from what is known: points that were good, results of others."""

import logging
from collections.abc import Mapping
from typing import Any

from keras_tuner import oracles
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.dimensions import Dimension, dimensions
from tuner_component.search.known import Known

# What Hyperband keeps among the values.
_RESERVED = "tuner/"

_LOG = logging.getLogger(__name__)


def start_from(oracle: Any, known: Known) -> None:
    """Has an oracle begin with what is known.

    The points become its first trials. Results are for oracles with a method
    `learn_from`; those of KerasTuner know none but their own. What does not fit the
    search space is skipped with a message.

    Args:
        oracle: Fresh from its constructor, its search space filled.
        known: What is known. A point that was tried before is not tried again.
    """
    space = dimensions(oracle.hyperparameters.space)
    points = [_fitted(space, values, "a known point") for values in known.points]
    unique: list[dict[str, Any]] = []
    for point in points:
        if point is not None and point not in unique:
            unique.append(point)
    if unique:
        _try_first(oracle, unique)
    results = [
        (point, score)
        for values, score in known.results
        if (point := _fitted(space, values, "an earlier trial")) is not None
    ]
    if results and hasattr(oracle, "learn_from"):
        oracle.learn_from(results)
        _LOG.info("The oracle learns from %d trials of earlier searches.", len(results))


def _fitted(
    space: list[Dimension], values: Mapping[str, Any], what: str
) -> dict[str, Any] | None:
    """A point in today's search space; None, and a message, if it has no place there.

    Hyperparameters that are new today get their default, as KerasTuner does with what
    it finds on the way.
    """
    given = {k: v for k, v in values.items() if not k.startswith(_RESERVED)}
    if strange := given.keys() - {dimension.name for dimension in space}:
        _LOG.warning(
            "Skipping %s, %s: today's search space has no hyperparameter %s.",
            *(what, given, ", ".join(map(repr, sorted(strange)))),
        )
        return None
    point: dict[str, Any] = {}
    for dimension in space:
        name = dimension.name
        if name in point or not dimension.is_active(point):
            continue
        value = given.get(name, dimension.hp.default)
        if dimension.number(value) is None:
            _LOG.warning(
                "Skipping %s, %s: expected %r to be a value of %r. Received: %r.",
                *(what, given, name, dimension.hp, value),
            )
            return None
        point[name] = value
    return point


def _try_first(oracle: Any, points: list[dict[str, Any]]) -> None:
    if isinstance(oracle, oracles.GridSearchOracle):
        _LOG.info("A grid search tries every point: it does not begin with known ones.")
        return
    if isinstance(oracle, oracles.HyperbandOracle):
        draw = oracle._random_values

        def draw_known_first() -> Any:
            return _untried(oracle, points) or draw()

        oracle._random_values = draw_known_first
        return
    populate = oracle.populate_space

    def populate_known_first(trial_id: str) -> Any:
        point = _untried(oracle, points)
        if point is None:
            return populate(trial_id)
        return {"status": trial_lib.TrialStatus.RUNNING, "values": point}

    oracle.populate_space = populate_known_first


def _untried(oracle: Any, points: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first point that no trial has had; so a resumed search knows where it is."""
    fresh = (point for point in points if not oracle._duplicate(point))
    return next((dict(point) for point in fresh), None)
