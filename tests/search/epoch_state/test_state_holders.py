"""Objects with a state of their own."""

import collections
import random
from typing import Any

import keras
import numpy as np
import pytest

from tuner_component.search.epoch_state import plain_values, state_holders


class Scaler:
    """As an optimizer, a schedule or a scaler of PyTorch's."""

    def __init__(self) -> None:
        self.scale = 1.0

    def state_dict(self) -> Any:
        return {"scale": self.scale, 0: [np.ones(2)]}

    def load_state_dict(self, state: Any) -> None:
        self.scale = state["scale"]


def test_what_has_a_state_dict_is_taken_at_its_word() -> None:
    """Optimizers of PyTorch's would begin again."""
    before, after = Scaler(), Scaler()
    before.scale = 8.0
    assert state_holders.is_holder(before)
    state_holders.put_back(after, state_holders.read(before))
    assert after.scale == 8.0


@pytest.mark.parametrize(
    "make", [random.Random, np.random.default_rng, np.random.RandomState]
)
def test_random_generators_go_on(make: Any) -> None:
    """Noise of a model's own would repeat itself."""
    before, after = make(1), make(1)
    before.random()
    assert state_holders.is_holder(before)
    state_holders.put_back(after, state_holders.read(before))
    assert after.random() == before.random()


def test_layers_and_data_are_no_holders() -> None:
    """Their attributes would not be looked at."""
    for value in (keras.layers.Dense(1), np.zeros(2), {}, random.SystemRandom(), len):
        assert not state_holders.is_holder(value)
        assert state_holders.lost(value) is None


def test_a_file_is_no_iterator(tmp_path: Any) -> None:
    """A model that keeps a log open would never be saved."""
    with open(tmp_path / "log", "w") as file:
        assert state_holders.lost(file) is None


class Names(list[str]):
    """A container of the user's own."""


@pytest.mark.parametrize(
    ("current", "value"),
    [
        (Names(["a"]), ["b", "c"]),
        (collections.deque([1], maxlen=2), collections.deque([2, 3], maxlen=9)),
        (collections.Counter(a=1), collections.Counter(b=2)),
        (collections.defaultdict(list, a=[1]), {"b": [2]}),
        ({1}, {2, 3}),
    ],
)
def test_containers_are_filled_and_kept(current: Any, value: Any) -> None:
    """They would lose their type, their default, or whoever shares them."""
    assert plain_values.put_back(current, value) is current
    assert plain_values.copy_of(current) == value


def test_arrays_are_filled_and_can_be_written_to() -> None:
    """What is read from a file cannot be written to: the next epoch would fail."""
    saved = np.arange(3.0)
    saved.flags.writeable = False
    current = np.zeros(3)
    assert plain_values.put_back(current, saved) is current
    assert current.tolist() == [0.0, 1.0, 2.0]
    assert plain_values.put_back(None, saved).flags.writeable
    assert plain_values.put_back(np.zeros(2), saved).flags.writeable
    assert plain_values.put_back(None, [saved])[0].flags.writeable


Point = collections.namedtuple("Point", ["x", "y"])


def test_named_tuples_come_back_as_such() -> None:
    """Their fields could not be named any more."""
    back = plain_values.put_back(Point(0, 0), plain_values.copy_of(Point(1, 2)))
    assert back == Point(1, 2) and back.y == 2


def test_a_list_in_itself_is_not_plain() -> None:
    """Looking at it would never end."""
    circle: list[Any] = []
    circle.append(circle)
    assert not plain_values.is_plain(circle)
