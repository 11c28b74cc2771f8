"""The state that one object, a model or a callback, has gathered since a training began.

A plain value counts if it has changed since just before the first epoch. What has not
was set by the code that sets things up, which runs again in another process: a start
time, an id of this process, a path, data. That is exact, and asks nothing of the user's
code. Of what has changed, times and ids are left out: see `process_bound`.

Objects that are known to have a state (variables, optimizers, random generators) count
as they are.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from tuner_component.search.epoch_state import (
    plain_values,
    process_bound,
    reachable,
    state_holders,
)
from tuner_component.search.epoch_state.reachable import Reachable, Slot
from tuner_component.search.storage import arrays

_SET_ANEW = "it was set before the first epoch, and was set anew"


class MismatchError(ValueError):
    """The saved state belongs to another model. No variable was changed."""


@dataclasses.dataclass
class Captured:
    """The state of an object.

    Attributes:
        state: Plain data and arrays.
        lost: What of it cannot be read, and why, by path.
    """

    state: dict[str, Any]
    lost: dict[str, str]


class ObjectState:
    """Follows one object through one training.

    Make it when the training has begun, before the first epoch.

    Args:
        root: The model or the callback.
        name: What it is called in messages.
        known: Objects that are taken care of elsewhere.
    """

    def __init__(self, root: Any, name: str, known: Sequence[Any] = ()) -> None:
        self._root = root
        self._name = name
        self._clocks = process_bound.Clocks.now()
        found = reachable.walk(root, name, known)
        self._begun = {path: _fingerprint(slot) for path, slot in found.slots.items()}
        self._objects = {path: slot.read() for path, slot in found.opaque.items()}

    def capture(
        self, known: Sequence[Any], variables: Sequence[Any], metrics: set[float]
    ) -> Captured:
        """Reads the state.

        Args:
            known: Objects that are taken care of elsewhere.
            variables: Variables that optimizers of the object may train, besides those
                that the object itself holds.
            metrics: Metrics of the training so far: no times, whatever clocks say.
        """
        found = reachable.walk(self._root, self._name, known)
        lost = dict(found.lost)
        holders = _read_holders(found, variables, lost)
        values, unchanged, left = self._values(found, metrics)
        state = {
            "class": type(self._root).__qualname__,
            "values": [[*_address(s), *_plain(s)] for s in values.values()],
            "classes": {s.within: type(s.holder).__qualname__ for s in values.values()},
            "unchanged": unchanged,
            "holders": holders,
            "left": left,
        }
        for path, slot in found.opaque.items():
            value = slot.read()
            what = f"an object of {type(value).__module__}.{type(value).__qualname__}"
            left[path] = self._clocks.reason(value, ()) or what
            if value is not self._objects.get(path) and left[path] == what:
                lost[path] = what
        return Captured(state, lost)

    def _values(
        self, found: Reachable, metrics: set[float]
    ) -> tuple[dict[str, Slot], dict[str, int], dict[str, str]]:
        """What has changed; what has not; what has, and belongs to this process."""
        changed: dict[str, Slot] = {}
        unchanged: dict[str, int] = {}
        left: dict[str, str] = {}
        kinds = {type(container) for container in found.containers.values()}
        read = frozenset[str]().union(*map(process_bound.names_read, kinds))
        for path, slot in found.slots.items():
            fingerprint = _fingerprint(slot)
            if fingerprint == self._begun.get(path):
                unchanged[path] = fingerprint
            elif reason := self._clocks.reason(slot.read(), read, metrics):
                left[path] = reason
            else:
                changed[path] = slot
        return changed, unchanged, left

    def restore(
        self, state: dict[str, Any], known: Sequence[Any], variables: Sequence[Any]
    ) -> dict[str, str]:
        """Puts a state back.

        Args:
            state: What `capture` returned.
            known: Objects that are taken care of elsewhere.
            variables: As for `capture`, in the same order.

        Returns:
            What is not as it was, and why, by path.

        Raises:
            MismatchError: The object does not hold what the state is of.
        """
        found = reachable.walk(self._root, self._name, known)
        if state["class"] != type(self._root).__qualname__:
            raise _mismatch(self._name, state["class"], type(self._root).__qualname__)
        slots = [(_slot(found, state, entry), entry[3:]) for entry in state["values"]]
        holders = _match_holders(found, state["holders"], variables)
        for slot, (value, is_tensor) in slots:
            _write(slot, value, is_tensor)
        for holder, data in holders:
            _put_back_holder(holder, data)
        return {**self._set_anew(found, state["unchanged"]), **state["left"]}

    def _set_anew(self, found: Reachable, unchanged: dict[str, int]) -> dict[str, str]:
        """What was set before the first epoch, and is different in this process."""
        return {
            path: _SET_ANEW
            for path, fingerprint in unchanged.items()
            if self._begun.get(path, fingerprint) != fingerprint
            and path in found.slots
            and not isinstance(found.slots[path].read(), str)
        }


def _fingerprint(slot: Slot) -> int:
    return arrays.fingerprint(plain_values.copy_of(slot.read()))


def _address(slot: Slot) -> tuple[str, Any, bool]:
    return slot.within, slot.key, slot.is_item


def _plain(slot: Slot) -> tuple[Any, bool]:
    value = slot.read()
    return plain_values.copy_of(value), plain_values.is_tensor(value)


def _slot(found: Reachable, state: dict[str, Any], entry: Sequence[Any]) -> Slot:
    """Where a value belongs."""
    within, key, is_item = entry[:3]
    holder = found.containers.get(within)
    expected, received = state["classes"][within], type(holder).__qualname__
    if expected != received:
        raise _mismatch(within, expected, "nothing" if holder is None else received)
    if is_item and isinstance(holder, list) and key >= len(holder):
        raise _mismatch(within, f"more than {key} items", f"{len(holder)}")
    return Slot(holder, within, key, is_item)


def _write(slot: Slot, value: Any, is_tensor: bool) -> None:
    try:
        current = slot.read()
    except (KeyError, IndexError):
        current = None
    value = plain_values.put_back(current, value)
    if is_tensor and not plain_values.is_tensor(value):
        value = keras.ops.convert_to_tensor(value)
    if value is current:
        return
    try:
        slot.write(value)
    except Exception as error:  # Whatever the user's class raises.
        name = f"{slot.within}.{slot.key}"
        raise MismatchError(f"{name} could not be put back. {error!r}") from error


def _read_holders(
    found: Reachable, variables: Sequence[Any], lost: dict[str, str]
) -> dict[str, Any]:
    holders = {}
    numbers = {id(v): n for n, v in enumerate(_all_variables(found, variables))}
    for path, holder in found.holders.items():
        try:
            data = _read_holder(holder, numbers)
            arrays.fingerprint(data)  # Whether it can be written.
        except Exception as error:  # noqa: BLE001 - whatever the object raises.
            lost[path] = f"a {type(holder).__name__} that cannot be read ({error!r})"
        else:
            holders[path] = data
    return holders


def _read_holder(holder: Any, numbers: dict[int, int]) -> dict[str, Any]:
    if isinstance(holder, keras.optimizers.Optimizer):
        values = state_holders.values(state_holders.variables_of(holder))
        if not holder.built:
            return {"values": values, "trains": []}
        trains = [numbers[id(v)] for v in holder._trainable_variables]
        return {"values": values, "trains": trains}
    if variables := state_holders.variables_of(holder):
        return {"values": state_holders.values(variables)}
    return {"state": state_holders.read(holder)}


def _match_holders(
    found: Reachable, states: dict[str, Any], variables: Sequence[Any]
) -> list[tuple[Any, dict[str, Any]]]:
    """The holders with what each is to take; builds optimizers."""
    pool = _all_variables(found, variables)
    matched = []
    for path, data in states.items():
        holder = found.holders.get(path)
        if holder is None:
            raise _mismatch(path, "an object with a state", "nothing")
        if data.get("trains"):
            build_optimizer(holder, data["trains"], pool, path)
        if "values" in data:
            check_shapes(state_holders.variables_of(holder), data["values"], path)
        matched.append((holder, data))
    return matched


def build_optimizer(
    optimizer: Any, trains: Sequence[int], variables: Sequence[Any], name: str
) -> None:
    """Builds an optimizer that Keras would build at its first step.

    Raises:
        MismatchError: There are no such variables.
    """
    if optimizer.built:
        return
    if max(trains) >= len(variables):
        raise _mismatch(name, "variables to train", f"{len(variables)} variables")
    try:
        optimizer.build([variables[number] for number in trains])
    except Exception as error:  # Whatever the user's optimizer raises.
        raise MismatchError(f"{name} could not be built. {error!r}") from error


def check_shapes(variables: Sequence[Any], values: Sequence[Any], name: str) -> None:
    """Raises MismatchError unless variables can take the values."""
    expected = [tuple(value.shape) for value in values]
    received = [tuple(variable.shape) for variable in variables]
    if expected != received:
        raise _mismatch(
            name,
            f"{len(expected)} variables of shapes {expected[:8]}",
            f"{len(received)} of shapes {received[:8]}",
        )


def _put_back_holder(holder: Any, data: dict[str, Any]) -> None:
    if "values" in data:
        for variable, value in zip(state_holders.variables_of(holder), data["values"]):
            variable.assign(value)
        return
    try:
        state_holders.put_back(holder, data["state"])
    except Exception as error:  # Whatever the object raises.
        kind = type(holder).__name__
        raise MismatchError(f"A {kind} could not be put back. {error!r}") from error


def _all_variables(found: Reachable, variables: Sequence[Any]) -> list[Any]:
    own = [one for one in found.holders.values() if state_holders.is_variable(one)]
    return [*variables, *own]


def _mismatch(name: str, expected: str, received: str) -> MismatchError:
    return MismatchError(f"Expected {name} to be {expected}. Received: {received}.")
