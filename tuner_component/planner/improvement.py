"""By how much values that are not known for sure may be better than a known one."""

import math

import numpy as np
from scipy import special

from tuner_component.planner.arrays import Array

_ROOT = math.sqrt(2.0 * math.pi)
# From so many deviations on, the tail of the distribution is as its limit.
_FAR = 300.0
# At so many values the chance is computed that one of several comes to them, down to so
# many deviations below what is expected.
_STEPS, _BELOW = 129, 4.0


def log_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """The logarithm of the expected improvement on a target.

    Where hardly any improvement is expected, it is zero as a number, and all points would
    be alike; its logarithm still tells which of them is better.
    """
    z = (best - mean) / deviation
    density = -0.5 * z**2 - 0.5 * math.log(2.0 * math.pi)
    likely = np.maximum(z, -1.0)
    plain = np.log(np.exp(-0.5 * likely**2) / _ROOT + likely * special.ndtr(likely))
    # The part of the density that is left, far out in the tail.
    far = np.clip(-z, 1.0, _FAR)
    left = np.log1p(
        -far * math.sqrt(math.pi / 2.0) * special.erfcx(far / math.sqrt(2.0))
    )
    left = np.where(-z > _FAR, -2.0 * np.log(np.maximum(-z, 1.0)), left)
    found: Array = np.log(deviation) + np.where(z > -1.0, plain, density + left)
    return found


def chance(mean: Array, deviation: Array, best: float) -> Array:
    """The probability of a target that is better than one."""
    found: Array = special.ndtr((best - mean) / deviation)
    return found


def expected_improvement_of(mean: Array, deviation: Array, best: float) -> float:
    """By how much the best of several values is expected to be better than one.

    The values are taken for independent: of many candidates those are looked at whose
    expected improvements are largest, and these are far enough apart. That one of several
    draws is luckier than others is no gain: see `Outlook.prospect`.

    Args:
        mean: What is expected of each value; smaller is better.
        deviation: Their deviations.
        best: The value to improve on.
    """
    if not len(mean):
        return 0.0
    most = float((best - mean + _BELOW * deviation).max())
    if most <= 0.0:
        return 0.0
    gains = np.linspace(0.0, most, _STEPS)
    worse = special.ndtr((mean[:, None] - best + gains) / deviation[:, None])
    any_better = 1.0 - worse.prod(axis=0)
    # The trapezoidal rule.
    return float((any_better[1:] + any_better[:-1]).sum() / 2.0 * (gains[1] - gains[0]))
