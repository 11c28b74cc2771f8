"""Who may import whom: arrows between the layers point down, and TFX stays on top."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.imports import imports_of
from tests.support.project import ROOT

PACKAGE = "tuner_component"

# Each layer and the other layers that it may import. "component" are the modules
# directly inside the package; its __init__ only names what is elsewhere.
BELOW: dict[str, set[str]] = {
    "version": set(),
    "proto": set(),
    "search": {"proto", "version"},
    "oracles": {"proto", "search", "version"},
    "report": {"proto", "search", "version"},
    "component": {"oracles", "proto", "report", "search", "version"},
    "extensions": {"component", "oracles", "proto", "report", "search", "version"},
}
# What a report may know of the search: what it leaves behind, and what it tells.
OF_SEARCH_IN_REPORT = {"events", "files", "history", "plain"}
# These run where only KerasTuner and a Keras backend are installed.
WITHOUT_TFX = {"oracles", "proto", "report", "search", "version"}


def layer_of(module: str) -> str:
    """The layer of a module of ours, or of a name inside one."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in BELOW else "component"


def violations(source: str, module: str, is_package: bool = False) -> list[str]:
    """What the source of `module` imports although its layer must not."""
    layer = layer_of(module)
    package = module if is_package else module.rpartition(".")[0]
    found = []
    for name, line, at_once in imports_of(ast.parse(source), package):
        root = name.split(".")[0]
        if root == PACKAGE:
            target = layer_of(name)
            if target != layer and target not in BELOW[layer]:
                found.append(f"line {line}: {layer} imports {target} ({name})")
            elif (layer, target) == ("report", "search") and not (
                {*name.split(".")[2:3]} <= OF_SEARCH_IN_REPORT
            ):
                found.append(f"line {line}: report imports the search ({name})")
        elif layer in WITHOUT_TFX and root == "tfx":
            found.append(f"line {line}: {layer} imports TFX ({name})")
        elif layer in WITHOUT_TFX and root == "tensorflow" and at_once:
            found.append(f"line {line}: {layer} imports TensorFlow at once ({name})")
    return found


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@pytest.mark.parametrize(
    ("module", "path"), [case for case in modules() if case[0] != PACKAGE]
)
def test_imports_keep_to_the_layers(module: str, path: Path) -> None:
    """A worker without TFX could not load the search, or a cycle would arise."""
    is_package = path.name == "__init__.py"
    assert violations(path.read_text(), module, is_package) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("tuner_component.search.study.study", "import tfx"),
        ("tuner_component.search.study.study", "from tfx.dsl.io import fileio"),
        ("tuner_component.search.study.study", "def f():\n    import tfx.v1"),
        ("tuner_component.report.html", "import tensorflow as tf"),
        (
            "tuner_component.report.html",
            "from tuner_component.search.parallel.driver import main as driver",
        ),
        (
            "tuner_component.report.html",
            "from tuner_component.search.study.study import S",
        ),
        (
            "tuner_component.report.html",
            "from tuner_component.results.loading import load",
        ),
        ("tuner_component.report.html", "class C:\n    from tensorflow import io"),
        ("tuner_component.search.study.study", "from tuner_component import oracles"),
        ("tuner_component.search.study.study", "from tuner_component import Tuner"),
        (
            "tuner_component.search.study.study",
            "from tuner_component.executor import E",
        ),
        ("tuner_component.search.study.study", "import tuner_component"),
        ("tuner_component.search.study.study", "from ..report import html"),
        ("tuner_component.search.study.study", "from .. import report"),
        (
            "tuner_component.search.parallel.local.engine",
            "from ...component import Tuner",
        ),
        ("tuner_component.oracles.optuna", "from tuner_component.report import html"),
        ("tuner_component.component", "from tuner_component.extensions import vertex"),
        (
            "tuner_component.proto.tuner_pb2",
            "from tuner_component.search.study import study",
        ),
    ],
)
def test_forbidden_import_is_seen(module: str, source: str) -> None:
    """The test above would pass whatever the sources import."""
    assert len(violations(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        (
            "tuner_component.search.storage.files",
            "def f():\n    import tensorflow as tf",
        ),
        ("tuner_component.search.study.study", "from . import journal"),
        ("tuner_component.search.study.study", "from .journal import Journal"),
        ("tuner_component.search.study.study", "import json, keras_tuner"),
        (
            "tuner_component.report.html",
            "from tuner_component.search.storage import plain",
        ),
        (
            "tuner_component.report.html",
            "from tuner_component.search.study.history import H",
        ),
        ("tuner_component.oracles.optuna", "from ..search import durable_oracle"),
        ("tuner_component.executor", "import tensorflow, tfx"),
        ("tuner_component.executor", "from tuner_component import component, search"),
    ],
)
def test_permitted_import_is_let_through(module: str, source: str) -> None:
    """Honest code would be refused."""
    assert violations(source, module) == []


def test_relative_import_in_a_package_counts_from_it() -> None:
    """`from . import x` in an __init__ would be looked up one level too high."""
    source = "from . import executor"
    assert violations(source, "tuner_component.search", is_package=True) == []
    assert violations(source, "tuner_component.search") != []
