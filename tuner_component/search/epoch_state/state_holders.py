"""Objects that hold a state: which ones, what it is, and how it is put back.

Known are variables, optimizers, random generators, and whatever has `state_dict` and
`load_state_dict` as PyTorch's objects do. Also known are some whose state cannot be read.
"""

import collections.abc
import io
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

# Classes that users derive their own from. What the user's class adds is looked at.
_BASES: tuple[type, ...] = (
    keras.layers.Layer,
    keras.metrics.Metric,
    keras.losses.Loss,
    keras.callbacks.Callback,
    keras.optimizers.schedules.LearningRateSchedule,
)

_WITHOUT_ACCESS = ("QueueBase", "MutableHashTable", "DenseHashTable", "TensorArray")


def lost(value: Any) -> str | None:
    """What an object is, if it has a state that cannot be read; else None."""
    kind = type(value)
    if isinstance(value, collections.abc.Iterator) and not isinstance(value, io.IOBase):
        return f"an iterator ({kind.__name__})"
    if any(
        base.__name__ in _WITHOUT_ACCESS and base.__module__.startswith("tensorflow.")
        for base in kind.__mro__
    ):
        return f"a {kind.__name__} of TensorFlow's"
    return None


def is_holder(value: Any) -> bool:
    """Whether the state of an object can be read and put back."""
    return (
        is_variable(value)
        or isinstance(value, (keras.optimizers.Optimizer, keras.random.SeedGenerator))
        or _is_random_generator(value)
        or _is_torch(value, "Tensor")
        or _is_torch(value, "Generator")
        or (_has_state_dict(value) and not is_derived(value))
    )


def is_derived(value: Any) -> bool:
    """Whether the class of an object is one that users derive their own from."""
    tensorflow = sys.modules.get("tensorflow")
    return isinstance(value, _BASES) or (
        tensorflow is not None and isinstance(value, tensorflow.Module)
    )


def is_variable(value: Any) -> bool:
    """Whether it is a variable of Keras or TensorFlow."""
    if isinstance(value, keras.Variable):
        return True
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(value, tensorflow.Variable)


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What an object of a known kind keeps out of sight of its attributes."""
    if isinstance(value, keras.Model):
        # Of a model inside another one, compiled by itself.
        yield "optimizer", getattr(value, "optimizer", None)
        yield "loss", getattr(value, "loss", None)
        yield "metrics", list(value._metrics)
    if isinstance(value, keras.layers.Layer):
        yield "layers", list(value._layers)
    if isinstance(value, keras.layers.RNN):
        yield "states", value.states  # None, or variables that Keras does not list.
    if isinstance(value, (keras.layers.Layer, keras.metrics.Metric)):
        yield "variables", list(value.variables)
    elif not isinstance(value, _BASES):
        variables = _variables_by_name(value)
        if isinstance(variables, (list, tuple)) and all(map(is_variable, variables)):
            yield "variables", list(variables)


def _variables_by_name(value: Any) -> Any:
    """What an object calls its variables: a tf.Module, or an optimizer of tf_keras."""
    if not hasattr(type(value), "variables"):
        return None
    try:
        return value.variables
    except Exception:  # noqa: BLE001 - whatever a property of the user's raises.
        return None


def variables_of(value: Any) -> list[Any]:
    """The variables of a holder that is one, or has some."""
    if isinstance(value, keras.optimizers.Optimizer):
        return list(value.variables) if value.built else []
    if isinstance(value, keras.random.SeedGenerator):
        return [value.state]
    if is_variable(value):
        return [value]
    if _is_tf_generator(value):
        return [value.state]
    return []


def values(variables: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
    """The values of variables."""
    # A scalar's `numpy()` is a NumPy scalar, not an array.
    return [np.asarray(variable.numpy()) for variable in variables]


def read(value: Any) -> Any:
    """The state of a holder without variables, as plain data and arrays."""
    if isinstance(value, random.Random):
        return value.getstate()
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if isinstance(value, np.random.RandomState):
        return value.get_state()
    if _is_torch(value, "Tensor"):
        return _without_tensors(value)
    if _is_torch(value, "Generator"):
        return _without_tensors(value.get_state())
    return _without_tensors(value.state_dict())


def put_back(value: Any, state: Any) -> None:
    """Puts back what `read` returned."""
    if isinstance(value, random.Random):
        value.setstate(state)
    elif isinstance(value, np.random.Generator):
        value.bit_generator.state = state
    elif isinstance(value, np.random.RandomState):
        value.set_state(state)
    elif _is_torch(value, "Tensor"):
        value.data.copy_(_with_tensors(state))
    elif _is_torch(value, "Generator"):
        value.set_state(_with_tensors(state))
    else:
        value.load_state_dict(_with_tensors(state))


def _is_random_generator(value: Any) -> bool:
    if isinstance(value, random.SystemRandom):
        return False
    return _is_tf_generator(value) or isinstance(
        value, (random.Random, np.random.Generator, np.random.RandomState)
    )


def _is_tf_generator(value: Any) -> bool:
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(value, tensorflow.random.Generator)


def _is_torch(value: Any, name: str) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, getattr(torch, name))


def _has_state_dict(value: Any) -> bool:
    kind = type(value)  # Asked of the object itself, some import a library.
    return hasattr(kind, "state_dict") and hasattr(kind, "load_state_dict")


def _without_tensors(state: Any) -> Any:
    """Plain data and arrays for a state of PyTorch's."""
    if _is_torch(state, "Tensor"):
        return state.detach().cpu().numpy()
    if isinstance(state, Mapping):
        return {key: _without_tensors(item) for key, item in state.items()}
    if type(state) in (list, tuple):
        return type(state)(map(_without_tensors, state))
    return state


def _with_tensors(state: Any) -> Any:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(state, np.ndarray):
        return torch.from_numpy(state.copy())
    if isinstance(state, dict):
        return {key: _with_tensors(item) for key, item in state.items()}
    if type(state) in (list, tuple):
        return type(state)(map(_with_tensors, state))
    return state
