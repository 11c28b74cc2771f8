"""Keeps `srcs` and `deps` in the BUILD files true to the Python sources.

    python -m tools.build_deps --check    # shows what --fix would change
    python -m tools.build_deps --fix      # after adding a module or an import

A file belongs to the target that lists it; a new one joins the largest library of its
Bazel package, and a new test becomes a target of its own. To give a file a target of
its own, list it there. A target depends on the targets whose files it imports: at the
top, in functions or for type checkers alike. Everything else in a BUILD file stays as
it is, and so does an entry marked `# keep`: the place for what is loaded by name, which
no parser sees.

Imports without a statement count too: the `__init__` of the packages around a module,
and pytest's `conftest.py`. What an `__init__` imports for type checkers only are the
names that it loads lazily. They are dependencies of the target that bears the
package's name, or else each module would depend on all that its package offers.
"""

import argparse
import ast
import difflib
import graphlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tools.build_files import BuildError, Target, parse, rewrite

# One empty target for each top-level name that is not from this repository.
THIRD_PARTY = "third_party/python"
# Distributions that share a top-level name are told apart by the next one.
NAMESPACES = {"google"}
OUTPUTS = {"build", "dist", "runs"}


class Tree:
    """The sources and the BUILD files below one directory.

    Attributes:
        sources: The Python files' syntax, by their paths relative to the root.
        builds: The texts of the BUILD files, by their packages.
        targets: All targets, with the sources and dependencies that they should have.
    """

    def __init__(self, root: Path) -> None:
        self.sources: dict[str, ast.Module] = {}
        self.builds: dict[str, str] = {}
        self._read(root)
        self.targets = [t for p, text in self.builds.items() for t in parse(p, text)]
        self._defaults = {t.package: t for t in self.targets if t.is_default}
        libraries = self._drop_sources()
        self._place_sources(libraries)
        # What a library shares with a binary is imported from the library.
        by_rank = sorted(self.targets, key=lambda t: t.rule != "py_binary")
        self._owners = {file: t.label for t in by_rank for file in t.files}
        self._modules = {_module(PurePosixPath(file)): file for file in self.sources}
        for target in self.targets:
            target.deps = self._deps_of(target) - {target.label}
        self._refuse_cycles()

    def rewritten(self) -> dict[str, str]:
        """What the BUILD file of each package should say."""
        used = {dep for target in self.targets for dep in target.deps}
        third_party = {dep for dep in used if dep.startswith(f"//{THIRD_PARTY}:")}
        return {
            package: rewrite(
                text, [t for t in self.targets if t.package == package], third_party
            )
            for package, text in self.builds.items()
        }

    def _read(self, root: Path) -> None:
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(f for f in folders if f[0] != "." and f not in OUTPUTS)
            here = PurePosixPath(Path(folder).relative_to(root))
            for name in sorted(names):
                path = Path(folder, name)
                if name == "BUILD":
                    self.builds[_package(here)] = path.read_text()
                elif name.endswith(".py"):
                    self.sources[str(here / name)] = ast.parse(path.read_text(), path)

    def _drop_sources(self) -> list[Target]:
        """Takes sources out of targets where they are gone, or listed by a smaller one.

        Returns:
            The libraries, the smallest first.
        """
        for target in self.targets:
            target.files = [file for file in target.files if file in self.sources]
        libraries = [t for t in self.targets if t.rule == "py_library"]
        libraries.sort(key=lambda library: len(library.files))
        seen: set[str] = set()
        for library in libraries:
            library.files = [file for file in library.files if file not in seen]
            seen.update(library.files)
        return libraries

    def _place_sources(self, libraries: list[Target]) -> None:
        """Puts sources that no target lists where they belong."""
        placed = {file for target in self.targets for file in target.files}
        largest = {library.package: library for library in libraries}
        for file in sorted(self.sources.keys() - placed):
            path = PurePosixPath(file)
            package = next(
                (p for p in map(_package, path.parents) if p in self.builds), None
            )
            if package is not None and path.name.startswith("test_"):
                name = str(path.relative_to(package).with_suffix(""))
                self.targets.append(Target(package, name, "pytest_test", [file]))
            elif package in largest:
                largest[package].files.append(file)
            else:
                raise BuildError(
                    f"Expected: every source in a target. Received: {file}, in none.\n"
                    f"Write {path.parent / 'BUILD'} with a py_library for it, or list "
                    "it in a target."
                )

    def _deps_of(self, target: Target) -> set[str]:
        deps: set[str] = set()
        for file in target.files:
            for name in _imports(self.sources[file], PurePosixPath(file)):
                deps |= self._resolve(name)
            for parent in PurePosixPath(file).parents:
                deps |= self._owner(parent / "__init__.py")
                if target.rule == "pytest_test":
                    deps |= self._owner(parent / "conftest.py")
        if target.is_default:
            init = PurePosixPath(target.package, "__init__.py")
            deps |= self._owner(init)
            for name in self._lazy_names(init).values():
                deps |= self._resolve(name)
        return deps

    def _resolve(self, name: str) -> set[str]:
        """The target that has what an import names; none where Python itself has it."""
        parts = name.split(".")
        for end in range(len(parts), 0, -1):
            file = self._modules.get(".".join(parts[:end]))
            if file:
                return self._owner_of_name(PurePosixPath(file), parts[end:])
        if parts[0] in sys.stdlib_module_names:
            return set()
        length = 2 if parts[0] in NAMESPACES else 1
        return {f"//{THIRD_PARTY}:{'.'.join(parts[:length])}"}

    def _owner_of_name(self, file: PurePosixPath, attributes: list[str]) -> set[str]:
        lazy = self._lazy_names(file)
        default = self._defaults.get(_package(file.parent))
        if default and lazy and (not attributes or attributes[0] in lazy):
            return {default.label}
        return self._owner(file)

    def _owner(self, file: PurePosixPath) -> set[str]:
        return {self._owners[str(file)]} if str(file) in self._owners else set()

    def _lazy_names(self, file: PurePosixPath) -> dict[str, str]:
        """What an `__init__` imports for type checkers only, by the names there."""
        tree = self.sources.get(str(file))
        if tree is None or file.name != "__init__.py":
            return {}
        return {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for block in filter(_is_for_type_checkers, tree.body)
            for node in ast.walk(block)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }

    def _refuse_cycles(self) -> None:
        try:
            graphlib.TopologicalSorter(
                {t.label: t.deps for t in self.targets}
            ).prepare()
        except graphlib.CycleError as error:
            raise BuildError(
                "Expected: targets that do not depend on each other in a circle.\n"
                f"Received: {' <- '.join(error.args[1])}\n"
                "Move a module to another target, or an import to another module."
            ) from None


def _package(directory: PurePosixPath) -> str:
    return "" if directory == PurePosixPath() else str(directory)


def _module(file: PurePosixPath) -> str:
    return ".".join(
        (file.parent if file.stem == "__init__" else file.with_suffix("")).parts
    )


def _is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _imports(tree: ast.Module, file: PurePosixPath) -> Iterator[str]:
    """The dotted names that statements import, wherever in the file they stand."""
    package = list(file.parent.parts)
    is_init = file.name == "__init__.py"
    body = [n for n in tree.body if not (is_init and _is_for_type_checkers(n))]
    for node in ast.walk(ast.Module(body, [])):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base += filter(None, [node.module])
            yield from (".".join([*base, alias.name]) for alias in node.names)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="show what would change")
    action.add_argument("--fix", action="store_true", help="rewrite the BUILD files")
    parser.add_argument("--root", type=Path, default=Path(), help="of the repository")
    arguments = parser.parse_args()
    try:
        tree = Tree(arguments.root)
        rewritten = tree.rewritten()
    except BuildError as error:
        sys.exit(str(error))
    changed = {p: text for p, text in rewritten.items() if text != tree.builds[p]}
    for package, text in changed.items():
        path = str(PurePosixPath(package, "BUILD"))
        if arguments.fix:
            (arguments.root / path).write_text(text)
        else:
            lines = tree.builds[package].splitlines(), text.splitlines()
            print(*difflib.unified_diff(*lines, path, path, lineterm=""), sep="\n")
    if changed and arguments.check:
        sys.exit(
            "The BUILD files do not say what the sources import.\n"
            "Run: python -m tools.build_deps --fix"
        )


if __name__ == "__main__":
    main()
