"""Python values as JSON, for records that people can read, and back as they were.

`arrays` is for values too large for JSON.

JSON alone would turn a tuple into a list, `nan` into a syntax error and a numpy number into an
exception. What JSON lacks becomes an object with a single key that begins with `$`;
everything else stays as readable as it was.

An oracle's state grows with the search while each step changes a little of it. Writing
only the difference of two encoded states keeps the cost of a step constant.
"""

import contextlib
import gc
import math
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

# Looked up by exact type, which is quick.
_ATOMS = frozenset({type(None), bool, int, str})
_CONTAINERS = frozenset({list, dict})

# Where more elements than this changed, a list is written anew: a patch would be longer.
_MOST_ITEMS = 8

# What `copied` returns instead.
NOT_THE_SAME = object()


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
    if type(value) in _ATOMS:
        return value
    same = copied(value)
    return _encode(value) if same is NOT_THE_SAME else same


def decode(data: Any) -> Any:
    """The value `encode` was given; numpy's numbers as Python's, in fresh containers."""
    if type(data) not in _CONTAINERS:
        return data
    same = copied(data)
    return _decode(data) if same is NOT_THE_SAME else same


def diff(old: Any, new: Any) -> Any:
    """What turns `old` into `new`.

    Args:
        old: JSON-compatible data.
        new: JSON-compatible data.

    Returns:
        A patch for `apply`, JSON-compatible; None if the two are equal.
    """
    if type(old) is type(new) and old == new:
        return None
    if isinstance(old, dict) and isinstance(new, dict):
        return _diff_dict(old, new)
    if isinstance(old, list) and isinstance(new, list) and len(new) >= len(old):
        return _diff_list(old, new)
    return {"set": new}


def apply(old: Any, patch: Any) -> Any:
    """The state that a patch leads to.

    Args:
        old: The state that `diff` began with; containers in it are changed in place.
        patch: What `diff` returned.

    Returns:
        The new state.
    """
    if patch is None:
        return old
    if "set" in patch:
        return patch["set"]
    for key in patch.get("drop", ()):
        del old[key]
    for key, inner in patch.get("in", ()):
        known = old[key] if isinstance(old, list) or key in old else None
        old[key] = apply(known, inner)
    if "add" in patch:
        old.extend(patch["add"])
    return old


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


def copied(value: Any) -> Any:
    """A copy of a value that is JSON as it is; `NOT_THE_SAME` for any other.

    Nearly all are, and large: states are encoded twice a trial. This takes a fraction of
    the time of looking at each part.
    """
    try:
        text = msgspec.json.encode(value)
        same = NOT_THE_SAME if b'"$' in text else msgspec.json.decode(text)
        # It differs where it holds what JSON lacks: tuples, keys that are no text, nan.
        return same if same == value else NOT_THE_SAME
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return NOT_THE_SAME


def _encode(value: Any) -> Any:
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is list:
        return [item if type(item) in _ATOMS else _encode(item) for item in value]
    if kind is dict:
        return _encode_dict(value)
    return _encode_other(value)


def _decode(data: Any) -> Any:
    kind = type(data)
    if kind is list:
        return [_decode(i) if type(i) in _CONTAINERS else i for i in data]
    if kind is not dict:
        return data
    if len(data) == 1:
        tag, content = next(iter(data.items()))
        if tag in _TAGS:
            return _TAGS[tag](content)
    return {k: _decode(i) if type(i) in _CONTAINERS else i for k, i in data.items()}


def _encode_dict(value: dict[Any, Any]) -> dict[str, Any]:
    encoded = {}
    for key, item in value.items():
        if type(key) is not str or key.startswith("$"):
            return {"$dict": [[_encode(k), _encode(i)] for k, i in value.items()]}
        encoded[key] = item if type(item) in _ATOMS else _encode(item)
    return encoded


def _encode_other(value: Any) -> Any:
    if isinstance(value, float):  # numpy's float64 is one, too.
        number = float(value)
        return number if math.isfinite(number) else {"$float": repr(number)}
    if isinstance(value, tuple):
        return {"$tuple": [_encode(item) for item in value]}
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list):
        return _encode(list(value))
    if isinstance(value, dict):
        return _encode(dict(value))
    if isinstance(value, (set, frozenset)):
        # Sorted, so that an unchanged set looks unchanged.
        return {"$set": sorted((_encode(item) for item in value), key=repr)}
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return _encode(value.item())  # A scalar of numpy, known without importing it.
    raise NotPlainError(
        "Expected numbers, strings, None, and lists, tuples, sets and dicts of them. "
        f"Received: {value!r} of type {type(value).__name__}."
    )


def _diff_dict(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    if dropped := [key for key in old if key not in new]:
        patch["drop"] = dropped
    changed = []
    for key, value in new.items():
        inner = diff(old[key], value) if key in old else {"set": value}
        if inner is not None:
            changed.append([key, inner])
    if changed:
        patch["in"] = changed
    return patch


def _diff_list(old: list[Any], new: list[Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    # Comparing the common part at once is what makes a long, growing list cheap.
    if old != new[: len(old)]:
        changed = [
            [index, inner]
            for index, (a, b) in enumerate(zip(old, new, strict=False))
            if (inner := diff(a, b)) is not None
        ]
        if len(changed) > _MOST_ITEMS:
            return {"set": new}
        patch["in"] = changed
    if len(new) > len(old):
        patch["add"] = new[len(old) :]
    return patch


_TAGS: dict[str, Callable[[Any], Any]] = {
    "$float": float,
    "$tuple": lambda content: tuple(_decode(content)),
    "$set": lambda content: set(_decode(content)),
    "$dict": lambda content: {_decode(key): _decode(item) for key, item in content},
}
