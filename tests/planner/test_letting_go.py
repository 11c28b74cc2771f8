"""Which paused trials are let go."""

import numpy as np

from tuner_component.planner.letting_go import hopeless
from tuner_component.planner.outlook import Views


def _views(chances: list[float]) -> Views:
    """The more of a chance a trial has, the more it promises; all are as sure."""
    logs = np.log(np.maximum(chances, 1e-300))
    return Views(logs, np.array(chances), -logs, np.ones(len(chances)))


# So many that some are let go, and what each has of a chance.
NAMES = list(range(400))
SMALL = [10.0 ** -(10 + one / 10) for one in NAMES]


def test_what_has_a_chance_is_never_let_go() -> None:
    """The trial that would have won is gone, and is never tried again."""
    assert hopeless(NAMES, _views([1e-5] * 400), None) == []


def test_the_most_promising_are_kept_however_small_their_chance() -> None:
    """A model that is sure and wrong would leave nothing to go on with."""
    # The twenty of which it is least sure are the first ones here, where all are as sure.
    assert hopeless(NAMES, _views(SMALL), None) == NAMES[200:]


def test_those_of_which_the_model_is_least_sure_are_kept() -> None:
    """It would never learn that it is wrong."""
    views = _views(SMALL)
    views.deviations[350:370] = 2.0
    assert hopeless(NAMES, views, None) == [*NAMES[200:350], *NAMES[370:]]


def test_the_best_so_far_is_kept() -> None:
    """What is published would have no training any more."""
    assert 399 not in hopeless(NAMES, _views(SMALL), leader=399)
