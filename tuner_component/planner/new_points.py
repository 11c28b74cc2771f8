"""Points that were not tried yet, of which one may be started."""

from typing import Any

import numpy as np
from scipy.stats import qmc

from tuner_component.planner.arrays import Array
from tuner_component.planner.encoding import Encoder
from tuner_component.planner.trials import Trials

# So many are drawn anywhere, and so many beside the best trials.
_ANYWHERE, _BESIDE, _PARENTS = 300, 100, 10
# Spaces of so many points are listed when draws find nothing new.
_LISTED = 4096


class NewPoints:
    """Draws new points, the same ones whenever as much is known."""

    def __init__(self, encoder: Encoder, trials: Trials, limit: int, seed: int) -> None:
        """Looks at a search.

        Args:
            encoder: The search space.
            trials: Its trials.
            limit: How many points may be tried.
            seed: Decides what is drawn.
        """
        self._encoder, self._trials = encoder, trials
        self._limit, self._seed = limit, seed

    def spread(self) -> Array | None:
        """The numbers of a point far from others; None if it may not be another one.

        It is the next one of a sequence.
        """
        own, count = self._trials.own, len(self._encoder.dimensions)
        if not self.is_any_allowed:
            return None
        sequence = qmc.Sobol(count, seed=self._seed)
        places = sequence.random(1 << max(own + 64, 1).bit_length())
        fresh = self._fresh(self._encoder.drawn(places[own:]))
        return fresh[0] if len(fresh) else None

    @property
    def is_any_allowed(self) -> bool:
        """Whether another point may be tried, if one is left."""
        return self._trials.own < self._limit

    def drawn(self) -> Array:
        """The numbers of points, one in each row; no row if none is left.

        They are there as well when no other one may be tried.
        """
        count = len(self._encoder.dimensions)
        draw = np.random.default_rng(
            [self._seed, len(self._trials.seen), self._trials.own]
        )
        anywhere = self._encoder.drawn(draw.random((_ANYWHERE, count)))
        best = sorted(self._trials.values(), key=lambda one: one.best)[:_PARENTS]
        parents = np.array([one.numbers for one in best])
        beside = self._encoder.mutated(parents[np.arange(_BESIDE) % len(parents)], draw)
        fresh = self._fresh(np.concatenate([anywhere, beside]))
        if len(fresh):
            return fresh
        # Few are left, if any: look at each.
        every = self._encoder.every(_LISTED)
        return fresh if every is None else self._fresh(every)

    def _fresh(self, numbers: Array) -> Array:
        tried, found = self._trials.tried, dict[Any, Array]()
        for key, row in zip(self._encoder.keys(numbers), numbers, strict=True):
            if key not in tried:
                found.setdefault(key, row)
        return np.array(list(found.values())) if found else numbers[:0]
