"""From KerasTuner's JSON form of hyperparameters to the object, checked.

The form is `{"space": [{"class_name": ..., "config": {...}}, ...], "values": {...}}`.
"""

import copy
import difflib
from collections.abc import Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine import hyperparameters as hp_lib

# Hyperband keeps its bookkeeping among the values.
_RESERVED_PREFIX = "tuner/"

_TYPES = {
    cls.__name__: cls
    for cls in (hp_lib.Boolean, hp_lib.Choice, hp_lib.Fixed, hp_lib.Float, hp_lib.Int)
}


def from_config(config: Any, source: str) -> keras_tuner.HyperParameters:
    """Builds hyperparameters from their JSON form.

    Args:
        config: The parsed JSON.
        source: Where it comes from, for messages.

    Raises:
        ValueError: If it is not of that form, names an unknown type, or has a value
            that is missing, unknown or out of its range.
    """
    if not (
        isinstance(config, Mapping)
        and isinstance(config.get("space"), list)
        and isinstance(config.get("values"), Mapping)
    ):
        raise ValueError(
            f"Expected {source} to hold hyperparameters: an object with a list "
            f"'space' and an object 'values'. Received: {str(config)[:80]}. Name the "
            "best_hyperparameters.txt that a Tuner wrote."
        )
    for entry in config["space"]:
        _check_entry(entry, source)
    # KerasTuner replaces the conditions inside what it is given.
    hps = keras_tuner.HyperParameters.from_config(
        {"space": copy.deepcopy(config["space"]), "values": {}}
    )
    hps.values = dict(config["values"])
    _check_names(hps, source)
    for hp in hps.space:
        if hps.is_active(hp):
            hps.values[hp.name] = _checked_value(hp, hps.values, source)
    return hps


def _check_entry(entry: Any, source: str) -> None:
    """Checks one element of the space, by building it."""
    known = sorted(_TYPES)
    if not (isinstance(entry, Mapping) and isinstance(entry.get("config"), Mapping)):
        raise ValueError(
            f"Expected each element of 'space' in {source} to be an object with "
            f"'class_name' and 'config'. Received: {str(entry)[:80]}."
        )
    if entry.get("class_name") not in _TYPES:
        raise ValueError(
            f"Expected a hyperparameter type among {known} in {source}. Received: "
            f"{entry.get('class_name')!r} for {entry['config'].get('name')!r}. "
            "Correct its class_name."
        )
    try:
        hp_lib.deserialize(copy.deepcopy(dict(entry)))
    except Exception as error:
        raise ValueError(
            f"Expected the configuration of a {entry['class_name']} in {source}. "
            f"Received: {dict(entry['config'])} ({error})."
        ) from error


def _check_names(hps: keras_tuner.HyperParameters, source: str) -> None:
    known = {hp.name for hp in hps.space}
    for name in hps.values:
        if name in known or name.startswith(_RESERVED_PREFIX):
            continue
        close = difflib.get_close_matches(name, known, n=1)
        raise ValueError(
            f"Expected the values in {source} to name hyperparameters of its space: "
            f"{sorted(known)}. Received: {name!r}."
            + (f" Did you mean {close[0]!r}?" if close else "")
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
        value = float(value)
    if not _fits(hp, value):
        raise ValueError(
            f"Expected the hyperparameter {hp.name!r} in {source} to be "
            f"{_expected(hp)}. Received: {value!r}. Correct the value, or the space "
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
    return _is_number(value, *kind) and bool(hp.min_value <= value <= hp.max_value)


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
