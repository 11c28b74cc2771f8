"""Values that mean something only in the process that made them: times and ids.

A number does not say what it is. So a number is taken for a time if it is close to what
a clock says while the training runs; and for one of the clocks that count from a moment
of their own, only if the code that owns the number reads such a clock at all. When in
doubt a number is taken for a time: what is left out is said, while a time put back into
another process would silently stop a training, or never let it end.
"""

import dataclasses
import datetime
import dis
import math
import os
import sys
import threading
import time
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np

# What belongs to these, and to Python itself, is not the user's.
LIBRARIES = frozenset(
    [
        *("tensorflow", "keras", "tf_keras", "keras_tuner", "tensorboard", "optree"),
        *("jax", "jaxlib", "torch", "numpy", "scipy", "pandas", "pyarrow", "sklearn"),
        *("tensorflow_datasets", "tensorflow_hub", "tensorflow_transform", "ml_dtypes"),
        *("tfx", "tfx_bsl", "apache_beam", "google", "grpc", "absl", "wrapt", "tqdm"),
        *("matplotlib", "PIL", "mlflow", "wandb", "tuner_component"),
    ]
)

_DAY_S = 86400.0
# A clock may be read in seconds, milliseconds, microseconds or nanoseconds.
_UNITS = (1.0, 1e3, 1e6, 1e9)
# Those that count from a moment of their own (boot, start of the process). Their numbers
# are small enough to be met by chance: by losses, say.
_OWN_CLOCKS: dict[str, Callable[[], float]] = {
    "monotonic": time.monotonic,
    "perf_counter": time.perf_counter,
    "process_time": time.process_time,
    "thread_time": time.thread_time,
}
_ALIASES = {
    "default_timer": "perf_counter",
    "clock_gettime": "monotonic",
    "clock_gettime_ns": "monotonic",
}
_IDS: dict[str, Callable[[], int]] = {
    "getpid": os.getpid,
    "getppid": os.getppid,
    "get_ident": threading.get_ident,
    "get_native_id": threading.get_native_id,
}
# Addresses of objects (`id`) are larger than anything that a training counts.
_LEAST_ADDRESS = 1 << 36
_TIMES = (datetime.date, datetime.time, datetime.timedelta, time.struct_time)
_NAMES = frozenset([*_OWN_CLOCKS, *_ALIASES, *_IDS, "id"]) | {
    f"{name}_ns" for name in _OWN_CLOCKS
}
# Longer arrays are data, not a collection of times.
_LONGEST_ARRAY = 10_000


@dataclasses.dataclass(frozen=True)
class Clocks:
    """What the clocks said when a training began.

    Attributes:
        wall: Seconds since the epoch.
        own: Seconds of the clocks that count from a moment of their own.
    """

    wall: float
    own: Mapping[str, float]

    @classmethod
    def now(cls) -> "Clocks":
        """Reads all clocks."""
        return cls(time.time(), {name: read() for name, read in _OWN_CLOCKS.items()})

    def reason(
        self, value: Any, read: Collection[str], metrics: Collection[float] = ()
    ) -> str | None:
        """Why a value belongs to this process alone; None if it does not.

        Args:
            value: What an object held after some epochs, and not before the first.
            read: What `names_read` returned for the object's class.
            metrics: Numbers that are known to be metrics of the training.
        """
        if isinstance(value, _TIMES) or _is_array_of_times(value):
            return "a time"
        if isinstance(value, str) and (os.path.isabs(value) or "://" in value):
            return "a path"
        for number in _numbers(value):
            if number in metrics:
                continue
            if self._is_wall(number) or any(
                self._is_own(name, number) for name in _OWN_CLOCKS if name in read
            ):
                return "a time"
            if _is_id(number, read):
                return "an id of this process"
        return None

    def _is_wall(self, number: float) -> bool:
        low, high = self.wall - _DAY_S, time.time() + _DAY_S
        return any(low * unit <= number <= high * unit for unit in _UNITS)

    def _is_own(self, clock: str, number: float) -> bool:
        low, high = self.own[clock], _OWN_CLOCKS[clock]() + _DAY_S
        if low * 1e9 <= number <= high * 1e9 and isinstance(number, int):
            return True  # Read in nanoseconds.
        return low <= number <= high and not float(number).is_integer()


def package_of(code: Any) -> str:
    """The package of a class or a function."""
    if isinstance(code, types.FunctionType):
        # A wrapper says that it is of the module of what it wraps.
        module = code.__globals__.get("__name__")
    else:
        module = getattr(code, "__module__", None)
    return (module or "").partition(".")[0]


def is_of_library(code: Any) -> bool:
    """Whether a class or a function is not the user's."""
    package = package_of(code)
    if package == "__main__":
        return False
    return package in LIBRARIES or package in sys.stdlib_module_names


def names_read(cls: type) -> frozenset[str]:
    """The clocks and ids that the code of a class reads, by the names of `time` and `os`.

    Functions that the methods call by a global name, or hold in a closure, count as well.
    """
    found: set[str] = set()
    seen: set[int] = set()
    for base in cls.__mro__:
        if not is_of_library(base):
            for function in functions_of(base):
                _names_read(function, found, seen)
    names = {name.removesuffix("_ns") for name in found}
    return frozenset(_ALIASES.get(name, name) for name in names)


def functions_of(cls: type) -> Iterator[types.FunctionType]:
    """The functions in the body of a class, and those that decorators wrapped there."""
    for member in list(vars(cls).values()):
        if isinstance(member, (staticmethod, classmethod)):
            member = member.__func__
        elif isinstance(member, property):
            member = member.fget
        while isinstance(member, types.FunctionType):
            yield member
            member = vars(member).get("__wrapped__")


def referred_to(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function takes from its module and its closure, with the names."""
    for name in _global_names(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            yield name, cell.cell_contents
        except ValueError:  # Not assigned yet.
            continue


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code of a function and of those inside of it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def _global_names(code: types.CodeType) -> set[str]:
    return {
        instruction.argval
        for part in codes(code)
        for instruction in dis.get_instructions(part)
        if instruction.opname == "LOAD_GLOBAL"
    }


def _names_read(function: types.FunctionType, found: set[str], seen: set[int]) -> None:
    if id(function) in seen:
        return
    seen.add(id(function))
    for code in codes(function.__code__):
        found.update(_NAMES.intersection(code.co_names))
    for _, value in referred_to(function):
        if getattr(value, "__module__", None) in ("time", "posix", "_thread"):
            # Imported under another name.
            found.update(_NAMES.intersection([value.__name__]))
        elif isinstance(value, types.FunctionType) and not is_of_library(value):
            _names_read(value, found, seen)


def _numbers(value: Any) -> Iterator[float]:
    """The numbers in plain data."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "iuf" and value.size <= _LONGEST_ARRAY:
            yield from _numbers(value.tolist())
    elif isinstance(value, dict):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "popleft"):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, np.generic):
        yield from _numbers(value.item())
    elif isinstance(value, (int, float)) and math.isfinite(value):
        yield value


def _is_array_of_times(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "mM"


def _is_id(number: float, read: Collection[str]) -> bool:
    if not isinstance(number, int):
        return False
    if "id" in read and number >= _LEAST_ADDRESS:
        return True
    return any(name in read and number == get() for name, get in _IDS.items())
