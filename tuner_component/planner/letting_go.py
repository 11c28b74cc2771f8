"""Which paused trials are let go, because they cannot become the best any more.

A model that is wrong is sure as well, and what was let go is never tried again. So a chance
has to be very small, and some trials are kept however small theirs is.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tuner_component.planner.outlook import Views

# With what chance of becoming the best a trial is not hopeless yet.
_HOPE = 1e-6
# So many are kept all the same: those that promise most, at which alone a planner looks,
# and those of which the model is least sure.
PROMISING, _DOUBTED = 200, 20


def hopeless(names: Sequence[Any], views: Views, leader: Any) -> list[Any]:
    """Those of the trials that are let go.

    Args:
        names: Paused trials.
        views: What the model says of each of them.
        leader: What is best so far, which is never let go.
    """
    promising = np.argsort(-views.gains, kind="stable")[:PROMISING]
    doubted = np.argsort(-views.deviations, kind="stable")[:_DOUBTED]
    kept = {*promising.tolist(), *doubted.tolist()}
    return [
        name
        for place, (name, chance) in enumerate(zip(names, views.chances, strict=True))
        if chance < _HOPE and place not in kept and name != leader
    ]
