"""What a search is expected to gain if it goes on.

What the next trials may come to are taken for independent: of many candidates those are
looked at whose expected improvements are largest, and these are far enough apart. That one
of several draws is luckier than others is no gain: see `Outlook.prospect`.
"""

import dataclasses

import numpy as np
from scipy import special

from tuner_component.planner.curve_model import Array

# Gains are told of so many more trials.
TRIALS = 10
# At so many values the chance is computed that one of the trials comes to them, down to so
# many deviations below what is expected.
_STEPS, _FAR = 129, 4.0


@dataclasses.dataclass(frozen=True)
class Prospect:
    """What is expected of so many more trials.

    Attributes:
        trials: How many.
        gain: By how much the best value is expected to improve, in the objective's unit.
        noise: How far the values of equal configurations are apart (the deviation), as far
            as the model can tell, in the same unit and at the best value.
        seconds: How long they train, all together; None if that is not known.
    """

    trials: int
    gain: float
    noise: float
    seconds: float | None


def expected_improvement_of(mean: Array, deviation: Array, best: float) -> float:
    """By how much the best of several values is expected to be better than one.

    Args:
        mean: What is expected of each value; smaller is better.
        deviation: Their deviations.
        best: The value to improve on.
    """
    if not len(mean):
        return 0.0
    most = float((best - mean + _FAR * deviation).max())
    if most <= 0.0:
        return 0.0
    gains = np.linspace(0.0, most, _STEPS)
    worse = special.ndtr((mean[:, None] - best + gains) / deviation[:, None])
    any_better = 1.0 - worse.prod(axis=0)
    # The trapezoidal rule.
    return float((any_better[1:] + any_better[:-1]).sum() / 2.0 * (gains[1] - gains[0]))
