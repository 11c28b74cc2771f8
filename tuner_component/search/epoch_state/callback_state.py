"""What the callbacks of a training have counted so far: read, and put back.

A callback that has `get_state` and `set_state` says by itself what its state is. Of the
others all counts that has changed since the training began: see `object_state`.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tuner_component.search.epoch_state import callback_files
from tuner_component.search.epoch_state.object_state import (
    MismatchError,
    ObjectState,
)
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import arrays

_LOG = logging.getLogger(__name__)


class CallbackStates:
    """Follows the callbacks of one training.

    Make it when the training has begun, before the first epoch.

    Args:
        callbacks: The callbacks, in their order.
        known: Objects that are taken care of elsewhere, such as the model.
    """

    def __init__(self, callbacks: Sequence[Any], known: Sequence[Any]) -> None:
        self._callbacks = callbacks
        self._states = [
            None
            if _declares(callback)
            else ObjectState(callback, _name(callback), known)
            for callback in callbacks
        ]

    def capture(
        self, known: Sequence[Any], variables: Sequence[Any], metrics: set[float]
    ) -> list[dict[str, Any]]:
        """Reads the states; what cannot be read is in them as such.

        Args:
            known: Objects that are taken care of elsewhere, such as the model.
            variables: Variables of the model.
            metrics: Metrics of the training so far.
        """
        return [
            _declared(callback)
            if state is None
            else _captured(callback, state, known, variables, metrics)
            for callback, state in zip(self._callbacks, self._states)
        ]

    def restore(
        self,
        states: Sequence[dict[str, Any]],
        known: Sequence[Any],
        variables: Sequence[Any],
    ) -> dict[str, str]:
        """Puts back what `capture` read, as far as the callbacks are the same.

        Returns:
            What is not as it was, and why, by path.
        """
        left: dict[str, str] = {}
        for callback, state, saved in zip(self._callbacks, self._states, states):
            try:
                if state is not None and "declared" not in saved:
                    left.update(state.restore(saved, known, variables))
                    callback_files.put_back(callback, saved.get("file"))
                else:
                    left.update(_set(callback, saved))
            except MismatchError as error:
                left[_name(callback)] = str(error)
        return left


def _name(callback: Any) -> str:
    return type(callback).__name__


def _declares(callback: Any) -> bool:
    return all(callable(getattr(callback, n, None)) for n in ("get_state", "set_state"))


def _captured(
    callback: Any,
    state: ObjectState,
    known: Sequence[Any],
    variables: Sequence[Any],
    metrics: set[float],
) -> dict[str, Any]:
    captured = state.capture(known, variables, metrics)
    left, file = {**captured.state["left"], **captured.lost}, None
    try:
        file = callback_files.read(callback)
    except StorageError as error:
        left[f"{_name(callback)}.filepath"] = str(error)
    return {**captured.state, "left": left, "file": file}


def _declared(callback: Any) -> dict[str, Any]:
    name, left = type(callback).__qualname__, {}
    try:
        state = callback.get_state()
        arrays.fingerprint(state)  # Whether it can be written.
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises.
        state = None
        left[_name(callback)] = (
            f"its get_state gave nothing that can be kept. {error!r}"
        )
    return {"class": name, "declared": state, "left": left}


def _set(callback: Any, saved: Mapping[str, Any]) -> dict[str, str]:
    received = type(callback).__qualname__
    if saved["class"] != received or "declared" not in saved:
        raise MismatchError(f"Expected {saved['class']}. Received: {received}.")
    if not saved["left"]:
        set_state: Callable[[Any], None] = callback.set_state
        try:
            set_state(saved["declared"])
        except Exception as error:  # Whatever the user's code raises.
            raise MismatchError(f"Its set_state failed. {error!r}") from error
    return dict(saved["left"])
