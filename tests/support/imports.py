"""Imports: read from the source of a module, and made impossible in a process."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.support.project import ROOT


class Import(NamedTuple):
    """One imported module, and whether importing the file is enough to import it."""

    name: str
    line: int
    at_once: bool


def imports_of(tree: ast.AST, package: str, at_once: bool = True) -> Iterator[Import]:
    """All imports below `tree`, which is a module (or part of one) of `package`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, at_once)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: 1 - node.level or None]
                base = ".".join([*parents, *filter(None, [base])])
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, at_once)
        else:
            later = isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
            )
            yield from imports_of(node, package, at_once and not later)


def run_without(
    modules: Sequence[str], code: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Runs code in a new process that cannot import some modules.

    Args:
        modules: Their names; an attempt to import one raises ImportError.
        code: The code.
        *arguments: What it finds in `sys.argv[1:]`.
    """
    setup = f"import sys\nfor name in {list(modules)}: sys.modules[name] = None\n"
    command = [sys.executable, "-c", setup + code, *arguments]
    return subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, text=True
    )
