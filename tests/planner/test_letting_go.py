"""Which paused trials are let go."""

import numpy as np

from tuner_component.planner.letting_go import hopeless
from tuner_component.planner.outlook import Views


def _views(chances: list[float]) -> Views:
    """The more of a chance a trial has, the more it promises; all are as sure."""
    logs = np.log(np.maximum(chances, 1e-300))
    return Views(logs, np.array(chances), -logs, np.ones(len(chances)))


def test_what_has_a_chance_is_never_let_go() -> None:
    """The trial that would have won is gone, and is never tried again."""
    names = list(range(200))
    assert hopeless(names, _views([1e-5] * 200), None) == []


def test_the_most_promising_are_kept_however_small_their_chance() -> None:
    """A model that is sure and wrong would leave nothing to go on with."""
    names = list(range(200))
    let_go = hopeless(names, _views([10.0 ** -(10 + one) for one in names]), None)
    # The twenty of which it is least sure are the first ones here, where all are as sure.
    assert let_go == names[50:]


def test_those_of_which_the_model_is_least_sure_are_kept() -> None:
    """It would never learn that it is wrong."""
    names = list(range(200))
    views = _views([10.0 ** -(10 + one) for one in names])
    views.deviations[150:170] = 2.0
    assert hopeless(names, views, None) == [*names[50:150], *names[170:]]


def test_the_best_so_far_is_kept() -> None:
    """What is published would have no training any more."""
    names = list(range(200))
    views = _views([10.0 ** -(10 + one) for one in names])
    assert 199 not in hopeless(names, views, leader=199)
