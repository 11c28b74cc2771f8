"""What is imported once for all workers."""

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner_component import TunerFnArgs
from tuner_component.pipeline import preload

Modules = Callable[[str], list[str]]

ALWAYS = preload.modules(TunerFnArgs(tuner_fn="no_such_module.tuner_fn"))


@pytest.fixture
def modules(tmp_path: Path) -> Modules:
    """What is imported once, for a user's module of a source."""

    def found(source: str) -> list[str]:
        file = tmp_path / "user_module.py"
        file.write_text(source)
        return preload.modules(TunerFnArgs(module_file=str(file)))

    return found


def test_libraries_of_the_module_are_shared(modules: Modules) -> None:
    """Each worker would import what the user's module needs by itself."""
    found = modules(
        "import tensorflow_transform as tft\nfrom tfx import v1\nimport sklearn.svm\n"
    )
    assert {"tensorflow_transform", "tfx", "tfx.v1", "sklearn.svm", *ALWAYS} <= {*found}


def test_importable_module_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The libraries of a packaged module, or of one named by tuner_fn, would not be."""
    (tmp_path / "importable_module.py").write_text("import sklearn.svm\n")
    monkeypatch.syspath_prepend(tmp_path)
    for message in (
        TunerFnArgs(module_path="importable_module"),
        TunerFnArgs(tuner_fn="importable_module.tuner_fn"),
    ):
        assert "sklearn.svm" in preload.modules(message)


def test_package_around_the_module_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's code would run in the pipeline's process, and take its GPU or end it."""
    package = tmp_path / "package_of_the_user"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('this was run')\n")
    (package / "module.py").write_text("import sklearn.svm\n")
    monkeypatch.syspath_prepend(tmp_path)
    for message in (
        TunerFnArgs(module_path="package_of_the_user.module"),
        TunerFnArgs(tuner_fn="package_of_the_user.module.tuner_fn"),
    ):
        assert "sklearn.svm" in preload.modules(message)


def test_module_that_python_made_is_left_alone(
    modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking for the file of `__main__`, which has none, would end in a ValueError."""
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    assert modules("import __main__, builtins, sys\n") == ALWAYS


def test_modules_of_the_user_are_not(modules: Modules) -> None:
    """They may do anything while they are imported: run TensorFlow, before the fork."""
    found = modules("import tests.conftest\nfrom examples import penguin\n")
    assert not {name.split(".")[0] for name in found} & {"tests", "examples"}


def test_unknown_and_relative_imports_are_left_alone(modules: Modules) -> None:
    """A worker reports them, with the user's file and line."""
    assert modules("import no_such_module\nfrom . import sibling\n") == ALWAYS


def test_source_that_cannot_be_read_is_left_to_the_workers(modules: Modules) -> None:
    """The fork server would die of the user's syntax error."""
    assert modules("def f(:\n") == ALWAYS


def test_imports_inside_functions_are_not_needed_yet(modules: Modules) -> None:
    """They are lazy for a reason."""
    assert "sklearn.svm" not in modules("def f():\n    import sklearn.svm\n")
