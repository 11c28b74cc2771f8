"""What a model or a callback holds: plain values, and objects that have a state.

Walks attributes, containers, functions with closures and objects of the user's own
classes. What a library's class keeps for itself is left alone: the attributes that its
own code assigns, and all of its objects that are none of the known kinds.
"""

import collections
import dataclasses
import dis
import functools
import inspect
import types
from collections.abc import Iterable
from typing import Any

import keras

from tuner_component.search.epoch_state import (
    plain_values,
    process_bound,
    state_holders,
)

# How many objects are looked at. Large data is plain, and counts as one.
_MOST_OBJECTS = 200_000

# Classes of libraries that users derive their own from, to have them looked into.
_BASES = frozenset(["abc", "builtins", "collections", "dataclasses", "typing"])
# Keras' callbacks that assign these assign nothing but what they have counted.
_COUNTING = frozenset(["monitor", "_ema_weights_in_model"])
# Attributes that TensorFlow sets, by names that are put together.
_INTERNAL = ("_self_", "_obj_reference")


@dataclasses.dataclass(frozen=True)
class Slot:
    """A place in an object, a dictionary or a list.

    Attributes:
        holder: The object or container.
        within: Its path.
        key: Name of an attribute, key of a dictionary, or index of a list.
        is_item: Whether the holder is a container.
    """

    holder: Any
    within: str
    key: Any
    is_item: bool

    def read(self) -> Any:
        """What is there now; raises KeyError or IndexError if nothing is."""
        return self.holder[self.key] if self.is_item else vars(self.holder)[self.key]

    def write(self, value: Any) -> None:
        """Puts a value there; whatever the holder raises is raised."""
        if self.is_item:
            self.holder[self.key] = value
        else:
            setattr(self.holder, self.key, value)


@dataclasses.dataclass
class Reachable:
    """What was found, by paths such as `model.opts['judge']`.

    Attributes:
        slots: Places of plain values.
        opaque: Places of anything else of which nothing is known.
        holders: Objects with a state that can be read and put back.
        lost: What has a state that cannot be read, and what it is.
        containers: All that was walked through: objects, lists, dictionaries.
    """

    slots: dict[str, Slot] = dataclasses.field(default_factory=dict)
    opaque: dict[str, Slot] = dataclasses.field(default_factory=dict)
    holders: dict[str, Any] = dataclasses.field(default_factory=dict)
    lost: dict[str, str] = dataclasses.field(default_factory=dict)
    containers: dict[str, Any] = dataclasses.field(default_factory=dict)


def walk(root: Any, name: str, known: Iterable[Any] = ()) -> Reachable:
    """Finds what an object holds.

    Args:
        root: A model, or a callback.
        name: What paths begin with.
        known: Objects to leave out, with all that only they hold.
    """
    walker = _Walker(known)
    walker.visit(root, name, None)
    walker.finish()
    return walker.found


class _Walker:
    def __init__(self, known: Iterable[Any]) -> None:
        self.found = Reachable()
        self._keep = list(known)  # Held, so that their ids stay theirs.
        self._seen = {id(one) for one in self._keep}
        # Breadth first: paths are short, and the bound cuts off what is far away.
        self._waiting: collections.deque[tuple[Any, str, Slot | None]] = (
            collections.deque()
        )

    def visit(self, value: Any, path: str, slot: Slot | None) -> None:
        self._waiting.append((value, path, slot))

    def finish(self) -> None:
        for _ in range(_MOST_OBJECTS):
            if not self._waiting:
                return
            self._look(*self._waiting.popleft())
        self.found.lost[self._waiting[0][1]] = (
            f"one of more than {_MOST_OBJECTS:,} objects"
        )

    def _look(self, value: Any, path: str, slot: Slot | None) -> None:
        if plain_values.is_plain(value):
            if slot is not None:
                self.found.slots[path] = slot
            return
        if id(value) in self._seen or isinstance(value, (type, types.ModuleType)):
            return
        if plain_values.is_symbol(value):
            return
        self._seen.add(id(value))
        self._keep.append(value)
        if what := state_holders.lost(value):
            self.found.lost[path] = what
        elif state_holders.is_holder(value):
            self.found.holders[path] = value
        elif isinstance(value, plain_values.CONTAINERS):
            self._look_into_container(value, path)
        elif isinstance(value, functools.partial):
            self.visit((value.func, value.args, value.keywords), path, None)
        elif isinstance(value, types.MethodType):
            self.visit(value.__self__, f"{path}.__self__", None)
        elif isinstance(value, types.FunctionType):
            self._look_into_function(value, path)
        elif is_looked_into(value):
            self._look_into_object(value, path)
        else:
            parts = list(state_holders.parts(value))
            for name, part in parts:
                self.visit(part, f"{path}.{name}", None)
            if slot is not None and not parts and not callable(value):
                self.found.opaque[path] = slot

    def _look_into_container(self, value: Any, path: str) -> None:
        self.found.containers[path] = value
        if isinstance(value, dict):
            for number, (key, item) in enumerate(list(value.items())):
                if plain_values.is_plain(key):
                    slot = Slot(value, path, key, True)
                    self.visit(item, f"{path}[{key!r}]", slot)
                else:
                    self.visit(item, f"{path}[key {number}]", None)
            return
        for index, item in enumerate(list(value)):
            place = Slot(value, path, index, True) if isinstance(value, list) else None
            self.visit(item, f"{path}[{index}]", place)

    def _look_into_function(self, function: types.FunctionType, path: str) -> None:
        """Only for objects with a state: plain values of modules belong to no training."""
        if process_bound.is_of_library(function):
            return
        for name, value in process_bound.referred_to(function):
            self.visit(value, f"{path}<{name}>", None)

    def _look_into_object(self, value: Any, path: str) -> None:
        self.found.containers[path] = value
        for name in own_attributes(value):
            slot = Slot(value, path, name, False)
            self.visit(vars(value)[name], f"{path}.{name}", slot)
        for name, part in state_holders.parts(value):
            self.visit(part, f"{path}.{name}", None)
        for base in type(value).__mro__:
            if not process_bound.is_of_library(base):
                self._look_into_class(base, path)

    def _look_into_class(self, cls: type, path: str) -> None:
        for name, member in list(vars(cls).items()):
            if not name.startswith("__") and not inspect.isroutine(member):
                self.visit(member, f"{path}.{name}", None)
        for function in process_bound.functions_of(cls):
            self._look_into_function(function, f"{path}.{function.__name__}")


def is_looked_into(value: Any) -> bool:
    """Whether the attributes of an object are the user's, or of a known kind."""
    if not hasattr(value, "__dict__"):
        return False
    bases = type(value).__mro__
    if state_holders.is_derived(value):
        return not any(b.__module__.startswith("tuner_component.") for b in bases)
    libraries = [base for base in bases if process_bound.is_of_library(base)]
    return all(process_bound.package_of(base) in _BASES for base in libraries)


def own_attributes(value: Any) -> list[str]:
    """The attributes of an object that no library's code assigns.

    Keras' callbacks that watch a metric, or swap weights with their averages, are
    different: what they assign is what they have counted. (Others hold files, profilers
    and steps of a writer: a number put back without these would be wrong.)
    """
    taken = _assigned_by_libraries(type(value))
    return [n for n in vars(value) if n not in taken and not n.startswith(_INTERNAL)]


def _assigned_by_libraries(cls: type) -> frozenset[str]:
    bases = [base for base in cls.__mro__ if process_bound.is_of_library(base)]
    names = frozenset[str]().union(*map(_assigned_by, bases))
    if names.isdisjoint(_COUNTING):
        return names
    # Keras turns the sign of min_delta once it knows which way is better, and does so
    # again in the run that goes on: put back, it would be turned twice.
    return _assigned_by(keras.callbacks.Callback) | {"min_delta"}


# Not for the user's classes: they would be kept, with the models in their closures.
@functools.cache
def _assigned_by(library_class: type) -> frozenset[str]:
    return frozenset(
        instruction.argval
        for function in process_bound.functions_of(library_class)
        for code in process_bound.codes(function.__code__)
        for instruction in dis.get_instructions(code)
        if instruction.opname == "STORE_ATTR"
    )
