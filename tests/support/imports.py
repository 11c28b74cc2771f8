"""Reads the imports from a module's source, for tests about them."""

import ast
from collections.abc import Iterator
from typing import NamedTuple


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
