"""Random generators go on with the numbers that would have come next."""

import json
import random
from typing import Any

import numpy as np
import pytest

from tuner_component.search.oracle import random_state


def draw(generator: Any) -> Any:
    return generator.normal() if hasattr(generator, "normal") else generator.gauss(0, 1)


@pytest.mark.parametrize(
    "make",
    [
        random.Random,
        np.random.RandomState,
        np.random.default_rng,
        lambda seed: np.random.Generator(np.random.Philox(seed)),
    ],
)
@pytest.mark.parametrize("fresh", [True, False])
def test_sequence_goes_on(make: Any, fresh: bool) -> None:
    """An oracle would suggest again what it suggested before the crash."""
    generator = make(1)
    for _ in range(3):  # An odd number: the second normal value waits to be used.
        draw(generator)
    saved = json.loads(json.dumps(random_state.of(generator)))
    other = make(2) if fresh else None
    back = random_state.put_back(other, saved)
    assert (back is other) == fresh
    assert [draw(back) for _ in range(5)] == [draw(generator) for _ in range(5)]


def test_anything_else_is_no_generator() -> None:
    """Some other attribute would be taken for random numbers."""
    for value in (None, 1, object(), random, np.random, [random.Random()]):
        assert random_state.of(value) is None
