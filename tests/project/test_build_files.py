"""The BUILD files name what the sources import, folder by folder."""

import ast
import sys
from pathlib import Path

import pytest

from tests.support.imports import imports_of
from tests.support.project import ROOT

TOPS = ("benchmarks", "examples", "tests", "tuner_component")
# The BUILD files, by their folders' labels.
BUILDS = {
    f"//{file.parent.relative_to(ROOT).as_posix()}": file
    for top in TOPS
    for file in sorted((ROOT / top).rglob("BUILD"))
}
# The arguments that name dependencies, and what stands before the names there.
ARGUMENTS = {"deps": "", "rooms": "//tuner_component/", "third_party": ""}
# Folders with a target `:package`, which all folders below them get by themselves.
TOP, SEARCH = "//tuner_component", "//tuner_component/search"


def folder_of(path: Path) -> str | None:
    """The innermost folder with a BUILD file that a file, or a name in it, is in."""
    labels = (f"//{parent.as_posix()}" for parent in (path, *path.parents))
    return next((label for label in labels if label in BUILDS), None)


def provider(name: str) -> str:
    """The target that has what an import names, or the package from elsewhere."""
    parts = name.split(".")
    folder = folder_of(Path(*parts))
    if folder is None:
        return ".".join(parts[: 2 if parts[0] == "google" else 1])
    is_light = folder == SEARCH or parts[:2] == ["tuner_component", "version"]
    return f"{folder}:package" if is_light else folder


def needed(folder: str) -> set[str]:
    """What the BUILD file of a folder has to name."""
    # Python runs the `__init__` of the folders above.
    found = {above for above in BUILDS if folder.startswith(f"{above}/")} - {
        TOP,
        SEARCH,
    }
    for file in BUILDS[folder].parent.rglob("*.py"):
        path = file.relative_to(ROOT)
        if folder_of(path) == folder:
            imports = imports_of(
                ast.parse(file.read_text()), ".".join(path.parent.parts)
            )
            found |= {provider(imported.name) for imported in imports}
    if folder == SEARCH:  # Its main target stands for all of its rooms.
        found |= {room for room in BUILDS if room.startswith(f"{SEARCH}/")}
    above = {f"{top}:package" for top in (TOP, SEARCH) if folder.startswith(top)}
    return found - above - {folder} - sys.stdlib_module_names


def named(folder: str) -> set[str]:
    """What the BUILD file of a folder names, without targets of its own."""
    names = {
        ARGUMENTS[node.arg] + name
        for node in ast.walk(ast.parse(BUILDS[folder].read_text()))
        if isinstance(node, ast.keyword) and node.arg in ARGUMENTS
        for name in ast.literal_eval(node.value)
    }
    return {name for name in names if not name.startswith((":", f"{folder}:"))}


@pytest.mark.parametrize("folder", BUILDS)
def test_names_what_is_imported(folder: str) -> None:
    """Bazel would build with what is not declared, or rebuild for nothing."""
    imported, declared = needed(folder), named(folder)
    if SEARCH in declared:
        imported = {SEARCH if it.startswith(SEARCH) else it for it in imported}
    missing, unused = imported - declared, declared - imported
    assert not missing | unused, f"{BUILDS[folder]}: add {missing}, remove {unused}"


def test_every_room_has_a_build_file() -> None:
    """Bazel would not know of the sources in a new folder."""
    rooms = {file.parent for file in (ROOT / "tuner_component").rglob("*.py")}
    assert rooms <= {file.parent for file in BUILDS.values()}
