"""The user's sources beside the module that is named."""

import importlib.util
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tuner_component.identity import user_sources

# Whatever is imported here ends the test.
BOMB = "raise SystemExit('this was run')\n"


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(BOMB + source)


class Code:
    """A directory on the search path, and a module file beside it."""

    def __init__(self, root: Path) -> None:
        self.path = root / "elsewhere"
        self.module = root / "pipeline" / "module.py"

    def imported(self, source: str, **helpers: str) -> dict[str, str]:
        """What the module imports where there are these helpers."""
        write(self.path, {f"{name}.py": text for name, text in helpers.items()})
        write(self.module.parent, {"module.py": source})
        return user_sources.imported({"module_file": str(self.module)})


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Code:
    result = Code(tmp_path)
    monkeypatch.setattr(sys, "path", [str(result.path), *sys.path])
    return result


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import helper_a", {"helper_a"}),
        ("def f():\n    import helper_a", {"helper_a"}),
        ("from helper_a import f", {"helper_a"}),
        ("import helper_b", {"helper_a", "helper_b"}),
        ("import pack.deep.x", {"pack", "pack.deep", "pack.deep.x", "pack.y"}),
        ("from pack import y", {"pack", "pack.y"}),
        ("from pack import deep", {"pack", "pack.deep"}),
        ("import spaces.part", {"spaces.part"}),
        ("import spaces.within.z", {"spaces.within.z"}),
        ("import no_such_module_1", set()),
        ("import helper_a.no_package", {"helper_a"}),
        ("def broken(:", set()),
        ("from . import sibling", set()),
    ],
)
def test_what_is_imported_is_found(code: Code, source: str, found: set[str]) -> None:
    """A changed helper would go unnoticed, and trials of both versions be mixed."""
    files = {
        "helper_a": "import helper_c",
        "helper_b": "import helper_a, helper_b",
        "pack/__init__": "",
        "pack/deep/__init__": "",
        "pack/deep/x": "from ..y import f",
        "pack/y": "from . import f",
        "spaces/part": "",
        "spaces/within/z": "",
    }
    write(code.path, {f"{name}.py": text for name, text in files.items()})
    assert code.imported(source).keys() == found


def test_a_changed_helper_is_told_by_its_name(code: Code) -> None:
    """Users would not know why a new search starts."""
    before = code.imported("import one, two", one="x = 1", two="x = 1")
    now = code.imported("import one, two", two="x = 2")
    assert {name for name in before if before[name] != now[name]} == {"two"}


def test_same_sources_elsewhere_are_the_same(
    code: Code, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipeline that is moved, or runs in a container, would start a new search."""
    before = code.imported("import one", one="x = 1")
    code.path.rename(tmp_path / "moved")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "moved")])
    assert code.imported("import one") == before != {}


@pytest.mark.parametrize(
    "source",
    [
        "import json, os.path, sys, _ctypes, collections.abc",
        "import tensorflow as tf, tfx.v1, keras_tuner",
        "from google.protobuf import message",
        "import tuner_component.executor",
    ],
)
def test_libraries_do_not_count(code: Code, source: str) -> None:
    """Each upgrade of a library would start a new search."""
    assert code.imported(source) == {}


@pytest.mark.parametrize("place", ["venv/site-packages", "dist-packages", "vendored"])
def test_what_was_installed_is_a_library(
    code: Code, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """All of a library that lies in a place of its own would be read."""
    root = tmp_path / place
    write(root, {"installed/__init__.py": "", "installed/x.py": "", "portion/y.py": ""})
    (root / "installed-1.0.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(root)])
    assert code.imported("import installed.x, portion.y") == {}


def test_package_installed_to_be_edited_is_the_users(
    code: Code, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that its author works on would pass for a library."""
    write(tmp_path / "src", {"mine/__init__.py": "", "mine/x.py": "", "alone.py": ""})

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any, target: Any = None) -> Any:
            places = {"mine": "mine/__init__.py", "alone": "alone.py"}
            if name in places:
                file = tmp_path / "src" / places[name]
                return importlib.util.spec_from_file_location(name, file)
            return None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    found = code.imported("import mine.x, alone")
    assert found.keys() == {"mine", "mine.x", "alone"}


def test_modules_of_the_wheel_are_known_by_its_name(code: Code, tmp_path: Path) -> None:
    """Where a pipeline is run from would decide whether its search goes on."""
    wheel = tmp_path / "m-0.0+abc-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("module.py", BOMB + "import sibling")
        archive.writestr("sibling.py", BOMB + "import helper")
        archive.writestr("pipeline.py", BOMB + "import other")
    write(code.path, {f"{n}.py": "" for n in ("module", "sibling", "helper", "other")})
    found = user_sources.imported({"module_path": f"module@{wheel}"})
    assert found.keys() == {"helper"}


def test_module_by_its_python_path(code: Code) -> None:
    """What a module imports would count for files only."""
    tune = "from pack import y"
    write(code.path, {"pack/__init__.py": "", "pack/tune.py": tune, "pack/y.py": ""})
    found = user_sources.imported({"tuner_fn": "pack.tune.tuner_fn"})
    assert found.keys() == {"pack", "pack.y"}
