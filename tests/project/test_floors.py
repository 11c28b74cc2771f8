"""Who may import whom: the package is a house, and every import goes downstairs."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.imports import imports_of
from tests.support.project import ROOT

PACKAGE = "tuner_component"

# The floors, from the ground. A room (a package, or a module that stands alone) may
# import the rooms on the floors below, and none of those beside it. Modules directly
# in `search.parallel` are a room of their own, below those of the processes.
FLOORS = (
    ("documents", "search.spelling"),
    (
        *("data", "proto", "version"),
        *("search.constraint", "search.epochs", "search.errors", "search.events"),
        *("search.ranges", "search.reserved"),
    ),
    ("results", "search.goals", "search.options", "search.storage", "search.watching"),
    (
        *("search.epoch_state", "search.journal", "search.kerastuner"),
        *("search.lock", "search.machine", "search.space"),
    ),
    ("search.study",),
    ("identity", "report", "search.stopping", "search.training"),
    ("search.oracle",),
    (
        "console",
        "export",
        "planner",
        "publishing",
        "search.in_process",
        "search.parallel",
        "vizier",
    ),
    ("oracles", "search.parallel.driver", "search.parallel.worker", "serving"),
    ("arguments", "pipeline", "search.parallel.local"),
    ("search.parallel.ray", "standalone"),
    ("search.parallel.ray.node",),
    ("search.parallel.ray.engine",),
    ("search.parallel.ray.remote_driver",),
    ("inputs", "executor"),
    ("cli", "component"),
    ("extensions",),
    ("", "__main__"),
)
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}
# What a report may know of the search: what it leaves behind, what it tells, and how
# that can fail. So a study can be looked at where there is no KerasTuner.
OF_SEARCH_IN_REPORT = (
    *("search.constraint", "search.errors", "search.events", "search.goals"),
    *("search.reserved", "search.spelling", "search.storage", "search.watching"),
    *("search.study.confirmation", "search.study.description"),
    *("search.study.history", "search.study.history_reading", "search.study.times"),
    "search.study.trial_history",
)
# These run where only KerasTuner and a Keras backend are installed.
WITHOUT_TFX = (
    "arguments",
    "console",
    "documents",
    "export",
    "oracles",
    "planner",
    "proto",
    "publishing",
    "report",
    "search",
    "serving",
    "standalone",
    "version",
    "vizier",
)


def within(name: str, room: str) -> bool:
    """Whether a dotted name, less the package's, is that of a room or in it."""
    return f"{name}.".startswith(f"{room}.")


def room_of(name: str) -> str:
    """The room that a dotted name, less the package's, is in: the innermost one."""
    rooms = [room for room in FLOOR_OF if room and within(name, room)]
    return max(rooms, key=len, default="")


def violations(source: str, module: str, is_package: bool = False) -> list[str]:
    """What the source of `module` imports although it must not, and why it must not."""
    package = module if is_package else module.rpartition(".")[0]
    here = module.removeprefix(PACKAGE).lstrip(".")
    found = []
    for name, line, at_once in imports_of(ast.parse(source), package):
        if rule := broken_rule(here, name, at_once):
            found.append(f"{module}, line {line}, imports {name}: {rule}")
    return found


def broken_rule(here: str, name: str, at_once: bool) -> str | None:
    """The rule that an import breaks.

    Args:
        here: The importing module, less the package's name.
        name: What it imports.
        at_once: Whether importing the module is enough to import it.
    """
    root = name.split(".")[0]
    without_tfx = any(within(here, room) for room in WITHOUT_TFX)
    if root == "tfx" and without_tfx:
        return "this part runs where TFX is not installed"
    if root == "tensorflow" and without_tfx and at_once:
        return "this part runs without TensorFlow; import it in a function"
    if root != PACKAGE:
        return None
    there = name.removeprefix(PACKAGE).lstrip(".")
    mine, other = room_of(here), room_of(there)
    known = any(within(there, room) for room in OF_SEARCH_IN_REPORT)
    if within(here, "report") and within(there, "search") and not known:
        return f"of the search, report knows {', '.join(OF_SEARCH_IN_REPORT)} only"
    if mine == other or FLOOR_OF[other] < FLOOR_OF[mine]:
        return None
    return (
        f"{mine or PACKAGE} is on floor {FLOOR_OF[mine] + 1}, "
        f"{other or PACKAGE} on floor {FLOOR_OF[other] + 1}, and imports go down"
    )


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    """A worker without TFX could not load the search, or nobody could move a room."""
    path = MODULES[module]
    assert violations(path.read_text(), module, path.name == "__init__.py") == []


def test_every_module_is_in_a_room() -> None:
    """A new folder would be on no floor, and could import what it likes."""
    stairs = {PACKAGE, f"{PACKAGE}.search"}  # Their __init__ names rooms, no more.
    homeless = [
        module
        for module in MODULES
        if module not in stairs and not room_of(module.removeprefix(f"{PACKAGE}."))
    ]
    assert homeless == []


def test_every_room_exists() -> None:
    """A room that moved would leave a rule that holds for nothing."""
    rooms = [room for room in FLOOR_OF if room]
    assert [room for room in rooms if f"{PACKAGE}.{room}" not in MODULES] == []


def test_no_circles() -> None:
    """Two modules of one room could not be understood, nor tested, one at a time."""
    graph = {
        module: {imported_module(name) for name, _, _ in _imports(module)} - {module}
        for module in MODULES
        if module != PACKAGE  # It only names what is elsewhere.
    }
    graphlib.TopologicalSorter(graph).prepare()  # Raises CycleError, with the circle.


def _imports(module: str) -> Iterator[tuple[str, int, bool]]:
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for found in imports_of(ast.parse(path.read_text()), package):
        if found.name.split(".")[0] == PACKAGE:
            yield found


def imported_module(name: str) -> str:
    """The module that an imported name is, or is in."""
    while name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def test_every_package_says_what_lives_there() -> None:
    """A folder would have to be understood from the names of its files."""
    silent = [
        module
        for module, path in MODULES.items()
        if path.name == "__init__.py"
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("module", "source", "rule"),
    [
        ("search.lock.lock", "import tfx", "TFX"),
        ("search.lock.lock", "from tfx.dsl.io import fileio", "TFX"),
        ("search.lock.lock", "def f():\n    import tfx.v1", "TFX"),
        ("report.page", "import tensorflow as tf", "TensorFlow"),
        ("report.page", "class C:\n    from tensorflow import io", "TensorFlow"),
        ("report.page", "from tuner_component.search.study.study import S", "report"),
        ("report.page", "from tuner_component.search.oracle import trials", "report"),
        ("report.page", "from tuner_component.pipeline import publish", "floor 10"),
        ("search.lock.lock", "from tuner_component import oracles", "floor 9"),
        ("search.lock.lock", "from tuner_component import Tuner", "floor 18"),
        ("search.lock.lock", "import tuner_component", "floor 18"),
        ("search.lock.lock", "from tuner_component.executor import E", "floor 15"),
        ("search.lock.lock", "from ..machine import posix", "floor 4"),
        ("search.lock.lock", "from ... import report", "floor 6"),
        ("search.storage.files", "from tuner_component.search.lock import lock", "4"),
        ("search.parallel.worker.main", "from ..driver import main", "floor 9"),
        ("search.parallel.driver.main", "from ..worker import main", "floor 9"),
        ("search.parallel.driver.main", "from ..local import engine", "floor 10"),
        ("search.parallel.protocol", "from .driver import main", "floor 9"),
        ("search.in_process.run", "from ..parallel.protocol import Job", "floor 8"),
        ("component", "from tuner_component.extensions import vertex", "floor 17"),
        ("proto.tuner_pb2", "from tuner_component.search import errors", "floor 2"),
    ],
)
def test_forbidden_import_is_seen(module: str, source: str, rule: str) -> None:
    """The tests above would pass whatever the sources import."""
    found = violations(source, f"{PACKAGE}.{module}")
    assert len(found) == 1
    assert rule in found[0]
    assert found[0].startswith(f"{PACKAGE}.{module}, line ")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("search.storage.files", "def f():\n    import tensorflow as tf"),
        ("search.study.study", "from . import history"),
        ("search.study.study", "from .history import History"),
        ("search.study.study", "import json, keras_tuner"),
        ("report.page", "from tuner_component.search.storage import plain"),
        ("report.page", "from tuner_component.search.study.history import History"),
        ("oracles.samplers", "from ..search.space import dimensions"),
        ("search.parallel.local.launch", "from ..driver import main"),
        ("executor", "import tensorflow, tfx"),
        ("component", "from tuner_component import executor"),
    ],
)
def test_permitted_import_is_let_through(module: str, source: str) -> None:
    """Honest code would be refused."""
    assert violations(source, f"{PACKAGE}.{module}") == []


def test_relative_import_in_a_package_counts_from_it() -> None:
    """`from . import x` in an __init__ would be looked up one level too high."""
    source = "from . import executor"
    assert violations(source, f"{PACKAGE}.cli", is_package=True) == []
    assert violations(source, f"{PACKAGE}.search.lock.lock", is_package=False) == []
    assert violations("from .. import cli", f"{PACKAGE}.search.study") != []
