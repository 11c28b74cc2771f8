"""Python values as JSON, for records that people can read, and back as they were.

`patch` tells how two such values differ; `arrays` is for values too large for JSON.

JSON alone would turn a tuple into a list, `nan` into a syntax error and a numpy number into an
exception. What JSON lacks becomes an object with a single key that begins with `$`;
everything else stays as readable as it was.
"""

import contextlib
import gc
import math
from collections.abc import Callable, Iterator
from typing import Any

# Looked up by exact type: states are encoded twice a trial.
_ATOMS = frozenset({type(None), bool, int, str})
_CONTAINERS = frozenset({list, dict})


class NotPlainError(TypeError):
    """A value is neither plain data nor one of the containers known here."""


def encode(value: Any) -> Any:
    """Turns a value into JSON-compatible data.

    Args:
        value: None, numbers (numpy's included), strings, and lists, tuples, sets and
            dicts of such.

    Returns:
        Data that shares nothing mutable with `value`.

    Raises:
        NotPlainError: It holds anything else.
    """
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is list:
        return [item if type(item) in _ATOMS else encode(item) for item in value]
    if kind is dict:
        return _encode_dict(value)
    return _encode_other(value)


def decode(data: Any) -> Any:
    """The value `encode` was given; numpy's numbers as Python's, in fresh containers."""
    kind = type(data)
    if kind is list:
        return [decode(i) if type(i) in _CONTAINERS else i for i in data]
    if kind is not dict:
        return data
    if len(data) == 1:
        tag, content = next(iter(data.items()))
        if tag in _TAGS:
            return _TAGS[tag](content)
    return {k: decode(i) if type(i) in _CONTAINERS else i for k, i in data.items()}


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Keeps Python from looking for garbage while much plain data is built up.

    There is none, and each look walks all of TensorFlow again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _encode_dict(value: dict[Any, Any]) -> dict[str, Any]:
    encoded = {}
    for key, item in value.items():
        if type(key) is not str or key.startswith("$"):
            return {"$dict": [[encode(k), encode(i)] for k, i in value.items()]}
        encoded[key] = item if type(item) in _ATOMS else encode(item)
    return encoded


def _encode_other(value: Any) -> Any:
    if isinstance(value, float):  # numpy's float64 is one, too.
        number = float(value)
        return number if math.isfinite(number) else {"$float": repr(number)}
    if isinstance(value, tuple):
        return {"$tuple": [encode(item) for item in value]}
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list):
        return encode(list(value))
    if isinstance(value, dict):
        return encode(dict(value))
    if isinstance(value, (set, frozenset)):
        # Sorted, so that an unchanged set looks unchanged.
        return {"$set": sorted((encode(item) for item in value), key=repr)}
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return encode(value.item())  # A scalar of numpy, known without importing it.
    raise NotPlainError(
        "Expected numbers, strings, None, and lists, tuples, sets and dicts of them. "
        f"Received: {value!r} of type {type(value).__name__}."
    )


_TAGS: dict[str, Callable[[Any], Any]] = {
    "$float": float,
    "$tuple": lambda content: tuple(decode(content)),
    "$set": lambda content: set(decode(content)),
    "$dict": lambda content: {decode(key): decode(item) for key, item in content},
}
