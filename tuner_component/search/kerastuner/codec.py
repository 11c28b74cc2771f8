"""KerasTuner's objects as plain values, for their way between processes."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.kerastuner.repairs import QuickHyperParameters
from tuner_component.search.storage import plain

_PLAIN = frozenset((bool, int, float, str, bytes, type(None)))


@dataclasses.dataclass(frozen=True)
class TrialState:
    """A trial, as `Trial.get_state` describes it."""

    state: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Space:
    """A search space, as `HyperParameters.get_config` describes it."""

    config: dict[str, Any]


def encode(value: Any) -> Any:
    """Replaces trials and search spaces, however deep, by their states.

    Raises:
        TypeError: If the value holds anything else that is not plain data.
    """
    # Each trial has hundreds of values of these kinds: they come first.
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        return {encode(key): encode(item) for key, item in value.items()}
    if kind is list:
        return [encode(item) for item in value]
    if isinstance(value, trial_lib.Trial):
        return TrialState(_encoded(value.get_state()))
    if isinstance(value, keras_tuner.HyperParameters):
        return Space(_encoded(value.get_config()))
    if isinstance(value, Mapping):
        return {encode(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        base = next(k for k in (list, tuple, set, frozenset) if isinstance(value, k))
        return base(encode(item) for item in value)
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()  # A number of NumPy's.
    for kind in (int, float, str):  # Enumerations of such, and NumPy's float64.
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(
        "Expected plain data, trials or hyperparameters between a worker and the "
        f"driver. Received: {value!r} of type {type(value).__name__}."
    )


def _encoded(state: dict[str, Any]) -> Any:
    """What a trial or a space says of itself; hundreds of values, nearly always plain."""
    copied = plain.copied(state)
    return encode(state) if copied is plain.NOT_THE_SAME else copied


def decode(value: Any) -> Any:
    """The inverse of `encode`."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, TrialState):
        return _trial(value.state)
    if isinstance(value, Space):
        return _space(value.config)
    if isinstance(value, dict):
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(decode(item) for item in value)
    return value


def _trial(state: dict[str, Any]) -> trial_lib.Trial:
    rest = decode({k: v for k, v in state.items() if k != "hyperparameters"})
    nothing: dict[str, Any] = {"hyperparameters": {"space": [], "values": {}}}
    trial = trial_lib.Trial.from_state({**rest, **nothing})
    trial.hyperparameters = _space(state["hyperparameters"])
    return trial


# The space that was made last, by all that it is made of.
_made: dict[str, QuickHyperParameters] = {}


def _space(config: dict[str, Any]) -> keras_tuner.HyperParameters:
    """Makes a search space: a copy, if it is the same as the last one, as it mostly is.

    KerasTuner looks for each class by its name; for a worker, which gets the space with
    each trial, that took longer than all else that it does between two trials.
    """
    known = repr(config["space"])
    pattern = _made.get(known)
    if pattern is None:
        pattern = keras_tuner.HyperParameters.from_config(decode(config))
        pattern.__class__ = QuickHyperParameters
        _made.clear()  # In one step each: two threads may be here.
        _made[known] = pattern
    space = pattern.copy()
    space.values = dict(decode(config["values"]))
    return space
