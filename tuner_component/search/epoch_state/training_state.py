"""What a training consists of between two epochs, as plain data and arrays.

The variables of the model (random seeds of its layers included) and of its optimizers,
whatever else the model has gathered, the state of the random generators, and what the
callbacks have counted so far. Works on every Keras backend: it reads and assigns Keras
variables, by position, since automatic names differ from one process to the next.
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

from tuner_component.search.epoch_state import object_state, state_holders
from tuner_component.search.epoch_state.callback_state import CallbackStates
from tuner_component.search.epoch_state.object_state import (
    MismatchError,
    ObjectState,
)

# How many reasons a message names.
_MOST_NAMED = 12


class NotCapturedError(ValueError):
    """A model has a state that cannot be read: it could not go on as it was."""


class TrainingState:
    """Follows a model and the callbacks through one training.

    Make it when the training has begun, before the first epoch: what changes from then
    on belongs to the training.

    Args:
        model: The model.
        callbacks: The callbacks of the user and of KerasTuner.
    """

    def __init__(self, model: Any, callbacks: Sequence[Any]) -> None:
        known = _known(model)
        self._model = model
        self._own = ObjectState(model, type(model).__name__, known)
        self._callbacks = CallbackStates(callbacks, [model, *known])

    def capture(self, metrics: set[float]) -> dict[str, Any]:
        """Reads everything, after an epoch.

        Args:
            metrics: Metrics of the training so far: no times, whatever clocks say.

        Raises:
            NotCapturedError: The model has a state that cannot be read.
        """
        model, known = self._model, _known(self._model)
        variables = list(model.variables)
        own = self._own.capture(known, variables, metrics)
        if own.lost:
            raise NotCapturedError(
                "Expected to be able to keep all that the model holds. Received: "
                f"{described(own.lost)}. Hold it in variables of Keras or numbers."
            )
        return {
            **capture_model(model),
            "own": own.state,
            "callbacks": self._callbacks.capture([model, *known], variables, metrics),
            "random": capture_random(),
        }

    def restore(self, state: dict[str, Any]) -> dict[str, str]:
        """Puts back what `capture` read.

        Returns:
            What is not as it was, and why, by path.

        Raises:
            MismatchError: The state belongs to another model, or another release
                wrote it.
        """
        if "own" not in state:
            raise MismatchError("An older release wrote it.")
        model = self._model
        with _scope(model):
            _build(model, state)
            known, variables = _known(model), list(model.variables)
            # First all that may not fit.
            left = self._own.restore(state["own"], known, variables)
            _assign(model, state)
        callbacks = self._callbacks
        left.update(callbacks.restore(state["callbacks"], [model, *known], variables))
        restore_random(state["random"])
        return left


def described(reasons: dict[str, str]) -> str:
    """What is lost or left out, and why, for a message."""
    named = [f"{path}: {why}" for path, why in list(reasons.items())[:_MOST_NAMED]]
    more = len(reasons) - len(named)
    return "; ".join([*named, f"and {more} more"] if more else named)


def model_size(model: Any) -> int:
    """About how many bytes the model and its optimizer take, at 4 a number."""
    variables = [*model.variables, *_optimizer_variables(model)]
    scalars: int = sum(math.prod(variable.shape) for variable in variables)
    return 4 * scalars


def capture_model(model: Any) -> dict[str, Any]:
    """Reads the variables of a built model and of its optimizer."""
    numbers = {id(v): number for number, v in enumerate(model.variables)}
    trained = getattr(model.optimizer, "_trainable_variables", [])
    return {
        "model": state_holders.values(model.variables),
        "optimizer": state_holders.values(_optimizer_variables(model)),
        "trains": [numbers[id(v)] for v in trained if id(v) in numbers],
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
        _build(model, state)
        _assign(model, state)


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


def _known(model: Any) -> list[Any]:
    """What is captured with the model itself."""
    optimizer = getattr(model, "optimizer", None)
    return [
        optimizer,
        getattr(optimizer, "inner_optimizer", None),
        *model.variables,
        *_optimizer_variables(model),
    ]


def _optimizer_variables(model: Any) -> list[Any]:
    optimizer = getattr(model, "optimizer", None)  # Set by `compile`.
    return [] if optimizer is None else state_holders.variables_of(optimizer)


def _build(model: Any, state: dict[str, Any]) -> None:
    """Builds model and optimizer, and checks that they can take the state."""
    try:
        ensure_built(model, state["build_config"])
    except Exception as error:  # Whatever the user's layers raise.
        raise MismatchError(f"The model could not be built. {error!r}") from error
    variables = list(model.variables)
    object_state.check_shapes(variables, state["model"], "the model")
    if state["optimizer"] and model.optimizer is not None:
        trains = state["trains"]
        object_state.build_optimizer(
            model.optimizer, trains, variables, "the optimizer"
        )
    object_state.check_shapes(
        _optimizer_variables(model), state["optimizer"], "the optimizer"
    )


def _assign(model: Any, state: dict[str, Any]) -> None:
    variables = [*model.variables, *_optimizer_variables(model)]
    for variable, value in zip(variables, [*state["model"], *state["optimizer"]]):
        variable.assign(value)


def _scope(model: Any) -> contextlib.AbstractContextManager[Any]:
    """The model's distribution strategy, which only TensorFlow's backend has."""
    strategy: Any = getattr(model, "distribute_strategy", None)
    return contextlib.nullcontext() if strategy is None else strategy.scope()
