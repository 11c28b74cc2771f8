"""Trials and search spaces between processes."""

import pickle
import re
from typing import Any

import keras_tuner
import numpy as np
import pytest
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.kerastuner import codec
from tuner_component.search.parallel import protocol


def _trial() -> trial_lib.Trial:
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        hp.Float("rate", 1e-4, 1e-1, sampling="log")
    trial = trial_lib.Trial(hp, "07", "RUNNING")
    trial.metrics.register("loss", "min")
    trial.metrics.update("loss", 0.5, step=3)
    trial.score = 0.5
    return trial


def test_a_trial_survives_the_way() -> None:
    """A worker would see another trial than the oracle made."""
    there = pickle.loads(pickle.dumps(codec.encode({"trial": [_trial()]})))
    [back] = codec.decode(there)["trial"]
    assert back.get_state() == _trial().get_state()
    assert back.hyperparameters.is_active("rate")


def test_a_space_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker would look for classes by their names at each trial, and be late for it."""
    sent = codec.encode(_trial())
    first = codec.decode(sent)
    monkeypatch.setattr(
        "keras_tuner.src.engine.hyperparameters.hp_types.deserialize", None
    )
    second = codec.decode(sent)
    assert second.get_state() == _trial().get_state()
    # What one trial's model adds is not another's.
    first.hyperparameters.Fixed("added", 1)
    assert type(first.hyperparameters) is keras_tuner.HyperParameters
    for later in (second, codec.decode(sent)):
        assert later.get_state() == _trial().get_state()


@pytest.mark.parametrize("values", [[1, 2], [1.0, 2.0]])
def test_a_space_that_only_seems_equal_is_another_one(values: list[Any]) -> None:
    """A model would be built with 1.0 units."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("units", values)
    [back] = codec.decode(codec.encode(hp)).space
    assert [type(value) for value in back.values] == [type(value) for value in values]


def test_only_plain_data_travels() -> None:
    """A process could need classes of the user's to read a message."""
    encoded = codec.encode(_trial())
    assert isinstance(encoded, codec.TrialState)
    module_names = pickle.dumps(encoded)
    assert not re.search(rb"(?<!\.)keras", module_names)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.float64(0.25), 0.25),
        ((1, [2, {3}]), (1, [2, {3}])),
        ({"a": {"b": np.bool_(True)}}, {"a": {"b": True}}),
        (None, None),
    ],
)
def test_values_become_plain(value: Any, expected: Any) -> None:
    """NumPy's numbers would make the driver import NumPy's version of the worker."""
    encoded = codec.encode(value)
    assert encoded == expected
    assert type(encoded) is type(expected)


def test_other_objects_are_refused() -> None:
    """The error would come from pickle, or from the other process."""
    with pytest.raises(TypeError, match="Expected plain data.* Received: <object"):
        codec.encode([object()])


def test_key_errors_keep_their_key() -> None:
    """KeyError's text would be quoted once per process it passes."""
    assert protocol.remote_error(KeyError("07")).message == "07"
