"""From KerasTuner's JSON form of hyperparameters to the object, checked.

The form is `{"space": [{"class_name": ..., "config": {...}}, ...], "values": {...}}`.
"""

import contextlib
import copy
import math
from collections.abc import Mapping
from typing import Any

import keras_tuner
import msgspec
from keras_tuner.engine import hyperparameters as hp_lib

from tuner_component.documents import decoding
from tuner_component.documents.decoding import DecodingError
from tuner_component.search.reserved import is_reserved
from tuner_component.search.spelling import did_you_mean

_TYPES = {
    cls.__name__: cls
    for cls in (hp_lib.Boolean, hp_lib.Choice, hp_lib.Fixed, hp_lib.Float, hp_lib.Int)
}

_SHOWN_LENGTH = 80

# KerasTuner's own value at the end of a logarithmic range may be beyond it, by what floats
# are off: as a share of the value.
_ROUNDING = 1e-9


class _Config(msgspec.Struct):
    """What the configuration of each hyperparameter has; KerasTuner checks the rest."""

    name: str


class _Entry(msgspec.Struct):
    """An element of a space."""

    class_name: str
    config: _Config


class _Form(msgspec.Struct):
    """The form of hyperparameters."""

    space: list[_Entry]
    values: dict[str, Any]


def from_config(config: Any, source: str) -> keras_tuner.HyperParameters:
    """Builds hyperparameters from their JSON form.

    Args:
        config: The parsed JSON.
        source: Where it comes from, for messages.

    Raises:
        ValueError: If it is not of that form, names an unknown type, or has a value
            that is missing, unknown or out of its range.
    """
    try:
        form = decoding.check(config, _Form)
    except DecodingError as error:
        raise ValueError(
            f"Expected {source} to hold hyperparameters: an object with an object "
            "'values' and a list 'space', whose elements have a 'class_name' and a "
            f"'config' with a 'name'. Received: {error}, in {_short(config)}. Name the "
            "best_hyperparameters.txt that a Tuner wrote."
        ) from error
    for entry, content in zip(form.space, config["space"], strict=True):
        _check_entry(entry, content, source)
    # KerasTuner replaces the conditions inside what it is given.
    hps = keras_tuner.HyperParameters.from_config(
        {"space": copy.deepcopy(config["space"]), "values": {}}
    )
    hps.values = dict(form.values)
    _check_names(hps, source)
    for hp in hps.space:
        if hps.is_active(hp):
            hps.values[hp.name] = _checked_value(hp, hps.values, source)
    return hps


def _check_entry(entry: _Entry, content: Any, source: str) -> None:
    """Checks one element of the space, by building it."""
    if entry.class_name not in _TYPES:
        raise ValueError(
            f"Expected a hyperparameter type among {sorted(_TYPES)} in {source}. "
            f"Received: {entry.class_name!r} for {entry.config.name!r}. Correct its "
            "class_name."
        )
    try:
        hp_lib.deserialize(copy.deepcopy(content))
    except Exception as error:
        raise ValueError(
            f"Expected the configuration of a {entry.class_name} in {source}. "
            f"Received: {_short(content['config'])} ({error}). Correct it, or copy the file "
            "again from where the Tuner wrote it."
        ) from error


def _check_names(hps: keras_tuner.HyperParameters, source: str) -> None:
    known = {hp.name for hp in hps.space}
    for name in hps.values:
        if name in known or is_reserved(name):
            continue
        raise ValueError(
            f"Expected the values in {source} to name hyperparameters of its space: "
            f"{sorted(known)}. Received: {name!r}." + did_you_mean(name, known)
        )


def _checked_value(
    hp: hp_lib.HyperParameter, values: Mapping[str, Any], source: str
) -> Any:
    if hp.name not in values:
        raise ValueError(
            f"Expected a value for the hyperparameter {hp.name!r} in {source}. "
            f"Received: values only for {sorted(values)}. Add it: {_expected(hp)}."
        )
    value = values[hp.name]
    if isinstance(hp, hp_lib.Float) and _is_number(value, int, float):
        with contextlib.suppress(OverflowError):  # Then it is out of its range, too.
            value = float(value)
    if not _fits(hp, value):
        raise ValueError(
            f"Expected the hyperparameter {hp.name!r} in {source} to be "
            f"{_expected(hp)}. Received: {_short(value)}. Correct the value, or the space "
            "if the range is to change."
        )
    return value


def _fits(hp: hp_lib.HyperParameter, value: Any) -> bool:
    if isinstance(hp, hp_lib.Boolean):
        return isinstance(value, bool)
    if isinstance(hp, hp_lib.Fixed):
        return bool(value == hp.value)
    if isinstance(hp, hp_lib.Choice):
        # True == 1 in Python, but not as a choice.
        return any(type(value) is type(v) and value == v for v in hp.values)
    kind = (int,) if isinstance(hp, hp_lib.Int) else (int, float)
    # Of a range that ends at infinity, or at no number, infinity is no value.
    is_finite = _is_number(value, *kind) and value - value == 0
    return is_finite and _is_inside(hp, value)


def _is_inside(hp: hp_lib.HyperParameter, value: float) -> bool:
    inside = min(max(value, hp.min_value), hp.max_value)
    if isinstance(value, int):
        return bool(inside == value)
    return math.isclose(inside, value, rel_tol=_ROUNDING)


def _is_number(value: Any, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _expected(hp: hp_lib.HyperParameter) -> str:
    if isinstance(hp, hp_lib.Boolean):
        return "true or false"
    if isinstance(hp, hp_lib.Fixed):
        return repr(hp.value)
    if isinstance(hp, hp_lib.Choice):
        return f"one of {list(hp.values)}"
    kind = "an integer" if isinstance(hp, hp_lib.Int) else "a number"
    return f"{kind} from {hp.min_value} to {hp.max_value}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."
