"""What a training consists of between two epochs, as plain data and arrays.

The variables of the model (random seeds of its layers included) and of its optimizer,
the state of the random generators, and what the callbacks have counted so far. Works on
every Keras backend: it reads and assigns Keras variables, by position, since automatic
names differ from one process to the next.
"""

import contextlib
import json
import math
import random
import sys
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tuner_component.search.storage import arrays


class MismatchError(ValueError):
    """The saved state belongs to another model. Nothing was changed."""


def can_be_captured(model: Any) -> bool:
    """Whether everything that trains in the model is known.

    A model with optimizers of its own beside `model.optimizer` (a GAN, say) builds
    them at its first step, so their variables could not be put back before it.
    """
    own = model.optimizer
    return not any(
        isinstance(value, keras.optimizers.Optimizer) and value is not own
        for value in vars(model).values()
    )


def model_size(model: Any) -> int:
    """About how many bytes the model and its optimizer take, at 4 a number."""
    variables = [*model.variables, *_optimizer_variables(model)]
    scalars: int = sum(math.prod(variable.shape) for variable in variables)
    return 4 * scalars


def capture_model(model: Any) -> dict[str, Any]:
    """Reads the variables of a built model and of its optimizer."""
    return {
        "model": _values(model.variables),
        "optimizer": _values(_optimizer_variables(model)),
        "build_config": build_config(model),
    }


def build_config(model: Any) -> Any:
    """What `build_from_config` needs; None where the model cannot say it."""
    try:
        return json.loads(json.dumps(model.get_build_config()))
    except (AttributeError, NotImplementedError, TypeError, ValueError):
        return None


def ensure_built(model: Any, config: Any) -> None:
    """Builds a model that Keras would build only at its first batch."""
    if not model.built and config:
        model.build_from_config(config)


def restore_model(model: Any, state: dict[str, Any]) -> None:
    """Puts back what `capture_model` read.

    Raises:
        MismatchError: The model has other variables than the state.
    """
    with _scope(model):
        try:
            ensure_built(model, state["build_config"])
            _ensure_optimizer_built(model, state["optimizer"])
        except Exception as error:  # Whatever the user's layers raise.
            raise MismatchError(f"The model could not be built. {error!r}") from error
        variables = [*model.variables, *_optimizer_variables(model)]
        values = [*state["model"], *state["optimizer"]]
        _check(variables, values)
        for variable, value in zip(variables, values):
            variable.assign(value)


def capture_random() -> dict[str, Any]:
    """Reads the generators that shuffling and augmentation draw from.

    TensorFlow's are not among them: their state is inside the operations. Under a seed
    it repeats with every `fit`, which is as good.
    """
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
    }
    if keras.config.backend() == "torch":
        state["torch"] = sys.modules["torch"].get_rng_state().numpy()
    return state


def restore_random(state: dict[str, Any]) -> None:
    """Puts back what `capture_random` read."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    if "torch" in state:
        torch = sys.modules["torch"]
        torch.set_rng_state(torch.from_numpy(state["torch"].copy()))


def capture_callbacks(callbacks: Sequence[Any]) -> list[dict[str, Any]]:
    """Reads what callbacks have counted: best values, patience, best weights, ..."""
    return [
        {"class": type(callback).__qualname__, "counted": _counted(callback)}
        for callback in callbacks
    ]


def restore_callbacks(callbacks: Sequence[Any], states: list[dict[str, Any]]) -> None:
    """Puts back what `capture_callbacks` read, where the classes are the same."""
    for callback, state in zip(callbacks, states):
        if type(callback).__qualname__ == state["class"]:
            for name, value in state["counted"].items():
                setattr(callback, name, value)


# Their callbacks hold files, profilers and steps of a writer: a number put back without
# these would be wrong. Those of Keras that watch a metric are different, see below.
_PACKAGES_WITH_HANDLES = ("keras", "keras_tuner", "tensorboard")


def _counted(callback: Any) -> dict[str, Any]:
    """The attributes of a callback that hold numbers.

    Strings are left out: they are settings, and a path may be another one in the run
    that goes on. Arrays count only where a metric is watched (the best weights of
    EarlyStopping): elsewhere they are mostly data that the callback was given.
    """
    watches = hasattr(callback, "monitor")
    package = type(callback).__module__.partition(".")[0]
    if package in _PACKAGES_WITH_HANDLES and not watches:
        return {}
    # Keras turns the sign of min_delta once it knows which way is better, and does so
    # again in the run that goes on: put back, it would be turned twice.
    settings = {"params", "min_delta"} if watches else {"params"}
    return {
        name: value
        for name, value in vars(callback).items()
        if name not in settings
        and not isinstance(value, str)
        and arrays.is_plain(value, with_arrays=watches)
    }


def _optimizer_variables(model: Any) -> list[Any]:
    optimizer = getattr(model, "optimizer", None)  # Set by `compile`.
    if optimizer is None or not optimizer.built:
        return []
    return list(optimizer.variables)


def _ensure_optimizer_built(model: Any, values: list[Any]) -> None:
    optimizer = model.optimizer
    if values and optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)


def _values(variables: list[Any]) -> list[np.ndarray[Any, Any]]:
    # A scalar's `numpy()` is a NumPy scalar, not an array.
    return [np.asarray(variable.numpy()) for variable in variables]


def _scope(model: Any) -> contextlib.AbstractContextManager[Any]:
    """The model's distribution strategy, which only TensorFlow's backend has."""
    strategy: Any = getattr(model, "distribute_strategy", None)
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def _check(variables: list[Any], values: list[Any]) -> None:
    expected = [tuple(variable.shape) for variable in variables]
    received = [tuple(value.shape) for value in values]
    if expected != received:
        raise MismatchError(
            f"Expected the state of {len(expected)} variables of shapes "
            f"{expected[:8]}. Received: {len(received)} of shapes {received[:8]}."
        )
