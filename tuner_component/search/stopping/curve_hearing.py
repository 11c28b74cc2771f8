"""What an oracle with a model hears of a trial's curve, and of its being stopped.

KerasTuner tells its oracles a score alone. That of a trial that a rule stopped is its best
epoch so far, and not what the trial would have come to. An oracle with a method
`learn_curve` is told more; those of KerasTuner have none.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuner_component.search.stopping.rule import is_final


def tell(oracle: Any, trial_id: str, ended: Mapping[str, Any]) -> None:
    """Tells an oracle the learning curve of a trial that has ended, or is paused.

    Its method is called as `learn_curve(trial_id, curve, stopped_after)`. `curve` is the
    objective's best value so far after each epoch, in the mean over the trial's trainings;
    `stopped_after` is the number of epochs after which a rule stopped the trial without
    knowing what it would have come to, or after which it was paused, or None.

    Args:
        oracle: Any oracle.
        trial_id: The trial.
        ended: The record of its end or pause, or the part of it that tells of epochs: its
            `curves` and `stopped`.
    """
    learn = getattr(oracle, "learn_curve", None)
    if learn is None:
        return
    stopped_after = None
    if (stopped := ended.get("stopped")) and not is_final(stopped["rule"]):
        stopped_after = stopped["epoch"] + 1
    curve = best_so_far(oracle.objective, ended.get("curves", []))
    learn(trial_id, curve, stopped_after)


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
    for epoch in range(max(map(len, fit.values()))):
        metrics = {
            name: value
            for name, values in fit.items()
            if epoch < len(values) and (value := values[epoch]) is not None
        }
        if objective.has_value(metrics):
            value = float(objective.get_value(metrics))
            if math.isfinite(value):
                best = value if math.isnan(best) else better(best, value)
        yield best
