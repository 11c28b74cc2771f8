"""Search spaces are kept once and come back as they were."""

import json
from typing import Any

import keras_tuner

from tests.support import simulation
from tuner_component.search.oracle.spaces import SpaceTable


def every_kind() -> Any:
    hp = keras_tuner.HyperParameters()
    hp.Fixed("fixed", 3)
    hp.Boolean("flag", default=True)
    hp.Choice("text", ["a", "b"], default="b")
    hp.Choice("number", [0.1, 0.2])
    with hp.conditional_scope("text", ["b"]):
        hp.Int("count", 1, 64, step=2, sampling="log")
        with hp.name_scope("inner"):
            hp.Float("rate", 1e-5, 1.0, sampling="reverse_log")
    return hp


def test_every_kind_of_hyperparameter_comes_back() -> None:
    """A resumed search would sample from another space."""
    hp = every_kind()
    key, entries = SpaceTable().key(hp)
    table = SpaceTable()
    table.add(key, json.loads(json.dumps(entries)))
    back = table.hyperparameters(key, hp.values)
    assert back.get_config() == hp.get_config()
    assert back.is_active("count")
    assert back.get("text") == "b"


def test_equal_spaces_are_journaled_once() -> None:
    """Each trial would repeat the whole space."""
    table = SpaceTable()
    key, entries = table.key(every_kind())
    assert entries is not None
    assert table.key(every_kind()) == (key, None)
    other, entries = table.key(simulation.space())
    assert entries is not None
    assert other != key
    assert table.key(every_kind()) == (key, None)


def test_small_difference_is_another_space() -> None:
    """A trial would come back with another range than it was drawn from."""
    table = SpaceTable()
    for low in (1, 2):
        hp = keras_tuner.HyperParameters()
        hp.Int("x", low, 9)
        assert table.key(hp)[1] is not None


def test_trials_share_no_lists() -> None:
    """A hyperparameter found by one trial would show up in all others."""
    hp = every_kind()
    table = SpaceTable()
    key, _ = table.key(hp)
    some, other = table.hyperparameters(key, {}), table.hyperparameters(key, {})
    some.Int("late", 1, 2)
    some.values["flag"] = False
    assert "late" not in [p.name for p in other.space]
    assert other.values == {}
    assert table.key(hp) == (key, None)


def test_lost_space_is_empty() -> None:
    """One lost record would keep a study from being opened."""
    hp = SpaceTable().hyperparameters("gone", {"x": 1})
    assert hp.values == {"x": 1}
    assert hp.space == []
