"""What an oracle with a model hears of a trial's curve, and of its being stopped.

KerasTuner tells its oracles a score alone. That of a trial that a rule stopped is its best
epoch so far, and not what the trial would have come to. An oracle with a method
`learn_curve` is told more; those of KerasTuner have none. One that has `goals` (a `Goals`,
or None) and a method `learn_points` is told all objectives.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuner_component.search.goals.goals import Goals
from tuner_component.search.stopping.rule import is_final
from tuner_component.search.study.requests import BY_REQUEST


def tell(oracle: Any, trial_id: str, ended: Mapping[str, Any]) -> None:
    """Tells an oracle the learning curve of a trial that has ended, or is paused.

    Its method is called as `learn_curve(trial_id, curve, stopped_after)`. `curve` is the
    objective's best value so far after each epoch, in the mean over the trial's trainings;
    `stopped_after` is the number of epochs after which a rule stopped the trial without
    knowing what it would have come to, or after which it was paused, or None.

    A method `settle_trial(trial_id)` is called as well if it was a person that has ended it: then
    its point is not to be tried again.

    Args:
        oracle: Any oracle.
        trial_id: The trial.
        ended: The record of its end or pause, or the part of it that tells of epochs: its
            `curves` and `stopped`.
    """
    tell_points(oracle, trial_id, ended.get("curves", []))
    learn = getattr(oracle, "learn_curve", None)
    if learn is None:
        return
    stopped_after = None
    if (stopped := ended.get("stopped")) and not is_final(stopped["rule"]):
        stopped_after = stopped["epoch"] + 1
    curve = best_so_far(oracle.objective, ended.get("curves", []))
    learn(trial_id, curve, stopped_after)
    settle = getattr(oracle, "settle_trial", None)
    if settle is not None and stopped and stopped["rule"] == BY_REQUEST:
        settle(trial_id)


def tell_points(
    oracle: Any, trial_id: str, fits: Sequence[Mapping[str, Sequence[float | None]]]
) -> None:
    """Tells an oracle that has goals what a trial came to after each of its epochs.

    Its method is called as `learn_points(trial_id, points)`. A point is what the trial
    would come to if it ended there: what its best epoch so far came to, in the mean over
    its trainings; None if that has no finite objectives.
    """
    goals, learn = getattr(oracle, "goals", None), getattr(oracle, "learn_points", None)
    if learn is None or not isinstance(goals, Goals):
        return
    trainings = [
        list(_at_best(oracle.objective, fit)) for fit in fits if any(fit.values())
    ]
    points = [goals.point(_mean(every)) for every in zip(*trainings, strict=False)]
    learn(trial_id, points)


def _at_best(
    objective: Any, fit: Mapping[str, Sequence[float | None]]
) -> Iterator[Mapping[str, float]]:
    """After each epoch of a training, the metrics of the best one so far."""
    best: dict[str, float] = {}
    for metrics in _epochs(fit):
        if objective.has_value(metrics):
            value = float(objective.get_value(metrics))
            known = best.get(objective.name)
            if math.isfinite(value) and (
                known is None or objective.better_than(value, known)
            ):
                best = {**metrics, objective.name: value}
        yield best


def _mean(every: Sequence[Mapping[str, float]]) -> dict[str, float]:
    common = set.intersection(*map(set, every))
    return {name: math.fsum(m[name] for m in every) / len(every) for name in common}


def _epochs(
    fit: Mapping[str, Sequence[float | None]],
) -> Iterator[dict[str, float]]:
    for epoch in range(max(map(len, fit.values()))):
        yield {
            name: value
            for name, values in fit.items()
            if epoch < len(values) and (value := values[epoch]) is not None
        }


def best_so_far(
    objective: Any, fits: Sequence[Mapping[str, Sequence[float | None]]]
) -> list[float]:
    """The best value of an objective after each epoch, in the mean over trainings.

    It is as long as the shortest training that reported anything; NaN before the first
    value of a training.
    """
    curves = [list(_best(objective, fit)) for fit in fits if any(fit.values())]
    return [sum(values) / len(values) for values in zip(*curves, strict=False)]


def _best(objective: Any, fit: Mapping[str, Sequence[float | None]]) -> Iterator[float]:
    better = min if objective.direction == "min" else max
    best = math.nan
    for metrics in _epochs(fit):
        if objective.has_value(metrics):
            value = float(objective.get_value(metrics))
            if math.isfinite(value):
                best = value if math.isnan(best) else better(best, value)
        yield best
