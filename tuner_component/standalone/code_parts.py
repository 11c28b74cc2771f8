"""What a function depends on: the user's code and data that it reaches, as digests.

They make a study's fingerprint. A change of a comment or of a library starts no new study;
a change of a function, of a module of the user's or of an array of data does.
"""

import ast
import functools
import hashlib
import inspect
import os
import sys
import textwrap
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tuner_component.search.machine import libraries

_OWN_PACKAGE = __name__.partition(".")[0]
_PLAIN = (bool, int, float, complex, str, bytes, type(None), os.PathLike)


class CodeParts:
    """The parts of one function, or of other callables.

    Functions and classes of the main program (a script, the cells of a notebook) count
    one by one. Other modules of the user's count as files, with all that they import.

    Attributes:
        parts: A digest for each thing that counts, by its name.
        libraries: Names of the installed modules that the main program's code uses.
    """

    def __init__(self) -> None:
        self.parts: dict[str, str] = {}
        self.libraries: set[str] = set()
        self._seen: set[int] = set()

    def add(self, name: str, value: Any) -> None:
        """Adds a value that the code has under a name, and what it reaches."""
        if id(value) in self._seen:
            return
        if isinstance(value, (types.ModuleType, types.FunctionType, type)):
            self._seen.add(id(value))
        if isinstance(value, types.ModuleType):
            self._add_module(value)
        elif isinstance(value, (types.FunctionType, type)):
            self._add_definition(value)
        elif isinstance(value, types.MethodType):
            self.add(name, value.__func__)
            self.add(name, value.__self__)
        elif isinstance(value, functools.partial):
            self.add(name, value.func)
            self.add(f"{name} arguments", [value.args, value.keywords])
        elif (digest := _digest_of_data(value)) is not None:
            self.parts[f"value {name}"] = digest
        elif (items := _items(value)) is not None:
            self._seen.add(id(value))
            for key, item in items:
                self.add(f"{name}[{key}]", item)
        else:
            self._add_object(name, value)

    def _add_module(self, module: types.ModuleType) -> None:
        file = getattr(module, "__file__", None)
        if module.__name__ == "__main__":
            return  # What is used of it is reached by itself.
        if file and libraries.is_installed(file):
            self.libraries.add(module.__name__)
            return
        if _is_pythons_or_ours(module.__name__, file):
            return
        self.parts[f"module {module.__name__}"] = _digest(Path(str(file)).read_bytes())
        for value in list(vars(module).values()):
            if isinstance(value, types.ModuleType):
                self.add("", value)
            elif isinstance(value, (types.FunctionType, type)):
                self._add_module_of(value)

    def _add_module_of(self, value: Any) -> None:
        module = sys.modules.get(value.__module__ or "")
        if module is not None:
            self.add("", module)

    def _add_definition(self, value: Any) -> None:
        """Adds a function or a class."""
        module = sys.modules.get(value.__module__ or "")
        if value.__module__ != "__main__" and module is not None:
            self._add_module_of(value)
            # What it has been given is not in the file of its module.
            for name, given in _enclosed(value):
                self.add(name, given)
            return
        kind = "class" if isinstance(value, type) else "function"
        self.parts[f"{kind} {value.__qualname__}"] = _digest_of_source(value)
        if isinstance(value, type):
            for base in value.__bases__:
                self.add("", base)
            members = (getattr(v, "__func__", v) for v in vars(value).values())
            functions = [v for v in members if isinstance(v, types.FunctionType)]
        else:
            functions = [value]
        for function in functions:
            for name in sorted(_names_in(function.__code__)):
                if name in function.__globals__:
                    self.add(name, function.__globals__[name])
            for name, given in _enclosed(function):
                self.add(name, given)

    def _add_object(self, name: str, value: Any) -> None:
        """Adds an object: its class, and what of its attributes is data."""
        cls = type(value)
        self.parts[f"value {name}"] = f"a {cls.__module__}.{cls.__qualname__}"
        self.add("", cls)
        attributes: Mapping[str, Any] = getattr(value, "__dict__", {})
        for key in sorted(attributes):
            if (digest := _digest_of_data(attributes[key])) is not None:
                self.parts[f"value {name}.{key}"] = digest


def _enclosed(value: Any) -> Iterator[tuple[str, Any]]:
    """What a function has been given when it was defined."""
    if not isinstance(value, types.FunctionType):
        return
    names = value.__code__.co_freevars
    for name, cell in zip(names, value.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # It is not set yet.
            continue
    for name, parameter in inspect.signature(value).parameters.items():
        if parameter.default is not parameter.empty:
            yield name, parameter.default


def _names_in(code: types.CodeType) -> set[str]:
    """The names of globals and attributes in code, and in the functions within it."""
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return set(code.co_names).union(*map(_names_in, inner))


def _digest_of_source(value: Any) -> str:
    try:
        # Neither comments nor the form of the lines count.
        tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
        return _digest(ast.unparse(tree).encode())
    except (OSError, SyntaxError, TypeError, ValueError):
        pass  # Typed at a prompt, or a part of a line.
    if isinstance(value, type):
        functions = [v for v in vars(value).values() if hasattr(v, "__code__")]
        return _digest(repr([_code(f.__code__) for f in functions]).encode())
    return _digest(repr(_code(value.__code__)).encode())


def _code(code: types.CodeType) -> tuple[Any, ...]:
    return code.co_code.hex(), code.co_names, tuple(map(_const, code.co_consts))


def _const(value: Any) -> Any:
    if isinstance(value, types.CodeType):
        return _code(value)
    # Each process has another order of its own.
    return sorted(map(repr, value)) if isinstance(value, frozenset) else value


def _digest_of_data(value: Any, within: tuple[int, ...] = ()) -> str | None:
    """A digest of the content of plain data, arrays and tables; None for other things.

    Args:
        value: What to describe.
        within: The ids of the containers around it; one that holds itself is no data.
    """
    if isinstance(value, _PLAIN):
        return _digest(repr(value).encode())
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        return _digest_of_array(np.asarray(value))
    if type(value).__module__.partition(".")[0] == "pandas":
        return _digest_of_table(value)
    items = _items(value)
    if items is None or id(value) in within:
        return None
    digests = [
        _digest_of_data(part, (*within, id(value))) for item in items for part in item
    ]
    if None in digests:
        return None
    return _digest(f"{type(value).__name__} {' '.join(map(str, digests))}".encode())


def _items(value: Any) -> list[tuple[Any, Any]] | None:
    """The keys and values of a container; None for what is none."""
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        # A text of it would leave out the middle of long arrays within.
        return [(f"{value.dtype.str} {value.shape}", value.ravel().tolist())]
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    if isinstance(value, (set, frozenset)):
        return list(enumerate(sorted(value, key=repr)))
    return None


def _digest_of_array(array: Any) -> str:
    described = f"{array.dtype.str} {array.shape} "
    # As bytes: Python knows no buffers of times, nor of the short floats of accelerators.
    content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return _digest(described.encode(), content.data)


def _digest_of_table(value: Any) -> str | None:
    import pandas as pd

    if not isinstance(value, (pd.DataFrame, pd.Series, pd.Index)):
        return None
    columns = repr(list(value.columns)) if isinstance(value, pd.DataFrame) else ""
    try:
        rows = np.asarray(pd.util.hash_pandas_object(value))
    except TypeError:  # Its cells have something in them that is no data.
        return None
    return _digest(columns.encode(), _digest_of_array(rows).encode())


def _digest(*chunks: Any) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()[:16]


def _is_pythons_or_ours(name: str, file: str | None) -> bool:
    """Whether a module came with Python or with this package, or has no file."""
    if not file or name.partition(".")[0] == _OWN_PACKAGE:
        return True
    return libraries.is_pythons(file)
