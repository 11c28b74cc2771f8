"""Where random generators are in their sequences, Python's and numpy's, as plain data."""

import importlib
import random
from typing import Any

from tuner_component.search.storage import plain

_PYTHON = "random.Random"
_NUMPY_LEGACY = "numpy.random.mtrand.RandomState"
_NUMPY = "numpy.random._generator.Generator"


def of(value: Any) -> dict[str, Any] | None:
    """The state of a random generator; None for anything else."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if kind == _PYTHON:
        state = value.getstate()
    elif kind == _NUMPY_LEGACY:
        state = value.get_state(legacy=False)
    elif kind == _NUMPY:
        state = value.bit_generator.state
    else:
        return None
    return {"kind": kind, "state": plain.encode(_lists(state))}


def put_back(generator: Any, saved: dict[str, Any]) -> Any:
    """Puts a generator where another was.

    Args:
        generator: Of the kind that was saved, to be changed in place; or anything else.
        saved: What `of` returned.

    Returns:
        `generator`, or a new one if that was of another kind.
    """
    kind, state = saved["kind"], plain.decode(saved["state"])
    known = of(generator)
    if known is None or known["kind"] != kind:
        generator = _new(kind, state)
    if kind == _PYTHON:
        generator.setstate(state)
    elif kind == _NUMPY_LEGACY:
        generator.set_state(state)
    else:
        generator.bit_generator.state = state
    return generator


def _new(kind: str, state: Any) -> Any:
    if kind == _PYTHON:
        return random.Random()
    # KerasTuner has imported numpy; nothing else here needs it.
    numpy_random = importlib.import_module("numpy.random")
    if kind == _NUMPY_LEGACY:
        return numpy_random.RandomState()
    bit_generator = getattr(numpy_random, state["bit_generator"])
    return numpy_random.Generator(bit_generator())


def _lists(state: Any) -> Any:
    """A copy of nested dicts in which numpy's arrays are lists."""
    if isinstance(state, dict):
        return {key: _lists(value) for key, value in state.items()}
    return state.tolist() if hasattr(state, "tolist") else state
