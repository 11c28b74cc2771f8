"""The user's sources beside the module that is named: what it imports from elsewhere.

They are read, not run. Installed libraries do not count, and neither do modules whose
names the code makes up while it runs.
"""

import ast
import contextlib
import hashlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tfx.components.util import udf_utils
from tfx.dsl.io import fileio
from tfx.types import standard_component_specs as specs

from tuner_component.search.machine.libraries import has_libraries

# An upgrade of this package does not start a new study.
_OWN_PACKAGE = __name__.partition(".")[0]


def imported(exec_properties: Mapping[str, Any]) -> dict[str, str]:
    """Returns digests of the modules that the user's module imports, by their names.

    What those import counts as well. Modules in the wheel itself are left out: its name
    has a hash of them.

    Args:
        exec_properties: Execution properties by the keys of `TunerSpec`.
    """
    first, given = _first_module(exec_properties)
    places: dict[str, list[str]] = {}
    found: dict[str, str] = {}
    seen: set[str] = set()
    todo = _with_parents(first)[::-1]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        source, is_package = given.get(name), False
        if source is None:
            file, places[name] = _find(name, places)
            if not file:
                continue
            source, is_package = Path(file).read_bytes(), bool(places[name])
            found[name] = hashlib.sha256(source).hexdigest()[:16]
        package = name if is_package else name.rpartition(".")[0]
        for other in _imports(source, package):
            todo += _with_parents(other)[::-1]
    found.pop(first, None)
    return found


def file_of(name: str) -> str:
    """The file of a module, installed or not, found without importing anything.

    Importing a module runs the `__init__` of each package around it; looking it up as
    `importlib.util.find_spec` does, as well.

    Args:
        name: Dotted name of the module.

    Returns:
        Its path; "" if it is not found this way, or has no file.
    """
    top, *parts = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
        for part in parts:
            directories = spec.submodule_search_locations if spec else None
            if not directories:
                return ""
            spec = importlib.machinery.PathFinder.find_spec(part, list(directories))
    except (ImportError, ValueError):
        return ""
    file = spec.origin if spec else None
    return file if file and os.path.isfile(file) else ""


def _first_module(exec_properties: Mapping[str, Any]) -> tuple[str, dict[str, bytes]]:
    """The name of the user's module, and the sources that are known by their names."""
    if path := exec_properties.get(specs.MODULE_PATH_KEY):
        name, wheels = udf_utils.decode_user_module_key(path)
        return name, {k: v for wheel in wheels for k, v in _packaged(wheel)}
    if path := exec_properties.get(specs.MODULE_FILE_KEY):
        with fileio.open(path, "rb") as file:
            return "", {"": file.read()}
    return str(exec_properties.get(specs.TUNER_FN_KEY)).rpartition(".")[0], {}


def _packaged(wheel: str) -> Iterator[tuple[str, bytes]]:
    if not fileio.exists(wheel):
        return
    with fileio.open(wheel, "rb") as file:
        content = io.BytesIO(file.read())
    with zipfile.ZipFile(content) as archive:
        for name in archive.namelist():
            if name.endswith(".py"):
                yield name.removesuffix(".py").replace("/", "."), archive.read(name)


def _with_parents(name: str) -> list[str]:
    """`a.b.c` after `a` and `a.b`, which are imported first."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def _imports(source: bytes, package: str) -> Iterator[str]:
    """What a module of a package imports, also within its functions.

    What is imported from a module may be a module too.
    """
    with contextlib.suppress(SyntaxError, ValueError):  # Its import says what is wrong.
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = [node.module] if node.module else []
                if node.level:
                    above = package.split(".")
                    base = above[: len(above) + 1 - node.level] + base
                module = ".".join(base)
                yield from (f"{module}.{alias.name}" for alias in node.names)


def _find(name: str, places: Mapping[str, list[str]]) -> tuple[str, list[str]]:
    """The file of a module of the user's, and the directories of its submodules.

    Looks where Python would look, but imports nothing, not even the packages around it.

    Args:
        name: Of the module.
        places: Directories of the submodules of packages that were found before.
    """
    parent, _, last = name.rpartition(".")
    if parent:
        return _look(last, places.get(parent, ()))
    if name == _OWN_PACKAGE:
        return "", []
    file, directories = _look(name, sys.path)
    if file or directories:
        return file, directories
    with contextlib.suppress(ImportError, ValueError):
        # Packages that are installed to be edited may have an importer of their own.
        spec = importlib.util.find_spec(name)
        if spec and spec.origin and spec.origin.endswith(".py"):
            directories = list(spec.submodule_search_locations or [])
            root = os.path.dirname(directories[0] if directories else spec.origin)
            if not has_libraries(root):
                return spec.origin, directories
    return "", []


def _look(name: str, directories: Iterable[str]) -> tuple[str, list[str]]:
    portions = []  # Of a namespace package.
    for directory in directories:
        base = os.path.join(directory, name)
        package = os.path.join(base, "__init__.py")
        for file, within in ((package, [base]), (f"{base}.py", [])):
            if os.path.isfile(file):
                return ("", []) if has_libraries(directory) else (file, within)
        if os.path.isdir(base) and not has_libraries(directory):
            portions.append(base)
    return "", portions
