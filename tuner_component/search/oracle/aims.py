"""What an oracle's search is to come to, from its objective and from what people ask."""

from typing import Any

from keras_tuner.src.engine import objective as objective_lib

from tuner_component.search.goals.goals import Goals
from tuner_component.search.options import SearchOptions


def of_score(oracle: Any) -> Goals:
    """The goals of a search of which nothing but the score counts."""
    objective = oracle.objective
    return Goals(((objective.name, objective.direction),))


def take_up(oracle: Any, options: SearchOptions) -> Goals:
    """Works out the goals of a search, and tells its oracle.

    Oracles with a method `pursue` take them into account; those of KerasTuner suggest
    trials by the score alone.

    Args:
        oracle: Of the user's tuner, fresh from its constructor.
        options: Of the search.

    Raises:
        ValueError: If a front is asked for, and the tuner has one objective; or if the
            oracle cannot search by these goals.
    """
    goals = of_score(oracle)
    if options.pareto:
        names = getattr(oracle.objective, "name_to_direction", {})
        if not isinstance(oracle.objective, objective_lib.MultiObjective):
            received = f"one objective, {oracle.objective.name!r}"
        else:
            received = f"a list of {sorted(names)}"
        if len(names) < 2:
            raise ValueError(
                "Expected a tuner with several objectives with pareto. Received: "
                f"{received}. Give the tuner a list of different metrics, such as "
                'objective=["val_loss", keras_tuner.Objective("size", "min")], or leave '
                "pareto out."
            )
        goals = Goals(tuple(names.items()))
    goals = Goals(goals.objectives, options.constraints, options.pareto)
    if not goals.is_plain and (pursue := getattr(oracle, "pursue", None)):
        pursue(goals)
    return goals
