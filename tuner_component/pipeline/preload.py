"""Which modules to load once, before worker processes are forked."""

import ast
from collections.abc import Iterator

from tfx.dsl.io import fileio

from tuner_component.identity import user_sources
from tuner_component.pipeline import user_module
from tuner_component.proto import tuner_pb2
from tuner_component.search.machine import libraries

# What every worker needs, whatever the user's module imports.
_ALWAYS = ("keras_tuner", "tensorflow", user_module.__name__)


def modules(message: tuner_pb2.TunerFnArgs) -> list[str]:
    """Returns what the user's module imports and all workers can share.

    Only installed libraries: modules of the user's own may do anything while they are
    imported, and must do it in each process.

    Args:
        message: Names the user's module.
    """
    try:
        imported = sorted(set(_imported(ast.parse(_source(message)))))
    except SyntaxError:
        imported = []  # Its import says what is wrong, with file and line.
    return [*_ALWAYS, *(name for name in imported if _is_installed(name))]


def _source(message: tuner_pb2.TunerFnArgs) -> str:
    """The source of the user's module; empty where it cannot be found."""
    if message.module_file:
        path = message.module_file
    else:
        name = message.module_path or message.tuner_fn.rpartition(".")[0]
        path = user_sources.file_of(name)
    if not path or not fileio.exists(path):
        return ""
    with fileio.open(path, "rb") as file:
        return bytes(file.read()).decode(errors="replace")


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            # `from tfx import v1`: the name may be a module too.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_installed(name: str) -> bool:
    """Whether the name belongs to a library installed by pip, or by the system.

    Looks only for its top-level package. A name that is not a module (a class, a
    function) fails to preload, and is skipped there.
    """
    file = user_sources.file_of(name.partition(".")[0])
    return libraries.is_installed(file)
