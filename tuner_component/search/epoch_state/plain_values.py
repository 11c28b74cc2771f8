"""Plain values in the attributes of models and callbacks: what they are, and their copies.

Plain are numbers, texts and arrays, tensors that are values, and containers of these.
Keras and TensorFlow replace the containers in a model's attributes by their own, which
track what is put in. So a value is copied into Python's own containers, and put back
into the container that is there.
"""

import collections
import sys
from typing import Any

import keras
import numpy as np

from tuner_component.search.storage import arrays

CONTAINERS = (list, tuple, set, frozenset, dict, collections.deque)

_SCALARS = frozenset([bool, int, float, str, type(None)])
_DEEPEST = 50


def is_plain(value: Any, depth: int = 0) -> bool:
    """Whether `copy_of` takes a value. Does not look at what is in arrays."""
    if type(value) in _SCALARS:
        return True
    if isinstance(value, (np.ndarray, np.generic)):
        return arrays.takes(value)
    if depth > _DEEPEST:
        return False
    if isinstance(value, dict):
        return all(
            is_plain(k, depth + 1) and is_plain(v, depth + 1) for k, v in value.items()
        )
    if isinstance(value, CONTAINERS):
        return all(type(i) in _SCALARS or is_plain(i, depth + 1) for i in list(value))
    return is_tensor(value)


def is_symbol(value: Any) -> bool:
    """Whether a value only stands for others: left over from tracing a function."""
    if isinstance(value, keras.KerasTensor):
        return True
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and isinstance(value, tensorflow.Tensor):
        return not hasattr(value, "numpy")
    kind = type(value)
    return kind.__module__.startswith("jax") and kind.__name__.endswith("Tracer")


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor that does not change, and can be read."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and isinstance(value, tensorflow.Tensor):
        return not is_symbol(value) and value.dtype.is_numpy_compatible
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.Array) and not is_symbol(value)


def copy_of(value: Any) -> Any:
    """A plain value as one that can be written: of Python's own containers and arrays."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, (collections.Counter, collections.OrderedDict)):
        return _mapping(value)({copy_of(k): copy_of(v) for k, v in value.items()})
    if isinstance(value, dict):
        return {copy_of(k): copy_of(v) for k, v in value.items()}
    if isinstance(value, collections.deque):
        return collections.deque(map(copy_of, value), value.maxlen)
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return kind(map(copy_of, value))
    return np.array(value)


def put_back(current: Any, value: Any) -> Any:
    """What to put where `current` is, so that it equals the copy `value`.

    A container or array that is there is filled and kept: others may hold it too, and it
    knows its type, its longest length or its default.
    """
    value = copy_of(value)  # What was read from a file cannot be written to.
    if isinstance(current, np.ndarray) and isinstance(value, np.ndarray):
        if _can_take(current, value):
            current[...] = value
            return current
        return value
    if is_tensor(current):
        return keras.ops.convert_to_tensor(value)
    if _alike(current, value, dict, set):
        current.clear()
        current.update(value)
        return current
    if _alike(current, value, list, collections.deque):
        current.clear()
        current.extend(value)
        return current
    if isinstance(current, tuple) and hasattr(current, "_make"):
        return type(current)._make(value) if isinstance(value, tuple) else value
    return value


def _alike(current: Any, value: Any, *kinds: type) -> bool:
    return any(isinstance(current, k) and isinstance(value, k) for k in kinds)


def _can_take(current: np.ndarray[Any, Any], value: np.ndarray[Any, Any]) -> bool:
    same = current.shape == value.shape and current.dtype == value.dtype
    return same and current.flags.writeable


def _mapping(value: Any) -> type:
    counts = isinstance(value, collections.Counter)
    return collections.Counter if counts else collections.OrderedDict
