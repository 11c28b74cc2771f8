"""Scores of replays in a file, so that a measurement can be made in pieces.

A line for each replay: task, search, workers, seed, version, and the score. The version is
a digest of what the score follows from. A line whose version is not today's is out of
date: it counts no more, and its replay is run again.
"""

import ast
import dataclasses
import functools
import hashlib
import inspect
import json
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import curve_tasks, replay, scoring, searchers, synthetic_curves
from benchmarks.scoring import Score

_PACKAGE = Path(__file__).parents[1] / "tuner_component"
# What the suggestions of ours follow from.
_PLANNER = ("planner/*.py", "search/space/*.py", "search/ranges.py")
_ORACLES = (
    *("oracles/optuna_oracle.py", "oracles/optuna_study.py", "oracles/samplers.py"),
    *("oracles/fidelities.py", "oracles/neighbours.py", "oracles/second_tries.py"),
    *("search/stopping/*.py", "search/space/dimensions.py"),
    *("search/kerastuner/repairs.py", "search/ranges.py"),
)
_VIZIER = (
    *("oracles/vizier_*.py", "oracles/neighbours.py"),
    *("vizier/messages.py", "vizier/space.py"),
    *("search/space/dimensions.py", "search/kerastuner/repairs.py", "search/ranges.py"),
)
# What passes on the suggestions of others, where it is not `OfKerasTuner`.
_ADAPTERS: dict[str, Any] = {
    searchers.AUTO: searchers.Auto,
    "optuna": searchers.PlainOptuna,
    "ray": Path(__file__).with_name("ray_searcher.py"),
    "syne": Path(__file__).with_name("syne_searcher.py"),
    "vizier": Path(__file__).with_name("vizier_searcher.py"),
}


class Key(NamedTuple):
    """Which replay a score is of."""

    task: str
    searcher: str
    workers: int
    seed: int


class ScoreFile:
    """The scores in a file: those of today's versions."""

    def __init__(self, path: Path) -> None:
        """Reads what is there, if anything is."""
        self._path = path
        self.scores: dict[Key, Score] = {}
        # The line of each replay; of today's version if there is one.
        self._lines: dict[Key, str] = {}
        for line in path.read_text().splitlines() if path.exists() else ():
            try:
                *parts, version, values = json.loads(line)
            except ValueError:
                continue  # The end of a line is missing: its replay is run again.
            key = Key(*parts)
            if version == version_of(key.task, key.searcher):
                self.scores[key] = _score(values)
                self._lines[key] = line + "\n"
            else:
                self._lines.setdefault(key, line + "\n")

    @property
    def out_of_date(self) -> int:
        """How many replays have a score, and none of today's version."""
        return len(self._lines) - len(self.scores)

    def add(self, key: Key, score: Score) -> None:
        """Takes a score, and keeps it in the file."""
        self.scores[key], self._lines[key] = score, _line(key, score)
        with self._path.open("a") as file:
            # If a run was killed in the middle of a line, it ends here.
            file.write("" if _ends_whole(self._path) else "\n")
            file.write(self._lines[key])

    def write(self) -> None:
        """Writes the file anew: a line for each replay, in order."""
        self._path.write_text("".join(self._lines[key] for key in sorted(self._lines)))

    def missing(self, keys: Iterable[Key]) -> Iterator[Key]:
        """Those of the replays of which there is no score."""
        return (key for key in keys if key not in self.scores)

    def of_workers(self, workers: int) -> dict[str, dict[str, scoring.Scores]]:
        """The scores by task and search, each in the order of seeds."""
        found: dict[str, dict[str, scoring.Scores]] = {}
        for key in sorted(self.scores):
            if key.workers == workers:
                of_task = found.setdefault(key.task, {})
                of_task.setdefault(key.searcher, []).append(self.scores[key])
        return found

    @property
    def workers(self) -> list[int]:
        """With how many workers there are scores."""
        return sorted({key.workers for key in self.scores})


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - 1, 0))
        return file.read() in (b"", b"\n")


def _line(key: Key, score: Score) -> str:
    values = [_short(value) for value in dataclasses.astuple(score)]
    row = [*key, version_of(key.task, key.searcher), values]
    return json.dumps(row, separators=(",", ":")) + "\n"


def _short(value: float) -> float:
    return float(f"{value:.6g}") if isinstance(value, float) else int(value)


def _score(values: list[Any]) -> Score:
    missed, gave_up, *others = values
    return Score(bool(missed), bool(gave_up), *map(float, others))


@functools.cache
def version_of(task: str, searcher: str) -> str:
    """A digest of what a search's scores on a task follow from."""
    parts = (_of_measure(), _of_task(task), _of_searcher(searcher))
    return _digest("".join(parts))[:10]


def _digest(text: str | bytes) -> str:
    given = text.encode() if isinstance(text, str) else text
    return hashlib.sha256(given).hexdigest()


@functools.cache
def _of_measure() -> str:
    numbers = (scoring.SHARE, scoring.LIMIT, scoring.BUDGET, replay.TIME_SCALE)
    return repr(numbers) + _meaning(replay.run) + _meaning(scoring.Measure)


@functools.cache
def _of_task(name: str) -> str:
    if name in curve_tasks.TASKS:
        path = Path(__file__).parent / "curves" / f"{name}.npz"
        return _digest(path.read_bytes()) + repr(curve_tasks.TASKS[name].space)
    made = synthetic_curves.TASKS[name]
    return _meaning(made) + _meaning(synthetic_curves.Formed)


@functools.cache
def _of_searcher(name: str) -> str:
    family = name.partition(" ")[0]
    ours = {searchers.AUTO: _PLANNER, "ours": _ORACLES, "vizier": _VIZIER}
    patterns = ours.get(family, ())
    paths = [path for one in patterns for path in sorted(_PACKAGE.glob(one))]
    adapter = _ADAPTERS.get(family, searchers.OfKerasTuner)
    # Some cannot be imported where their library is not installed.
    its = _bare(adapter.read_text()) if isinstance(adapter, Path) else _meaning(adapter)
    return its + searchers.settings(name) + "".join(_bare(p.read_text()) for p in paths)


def _meaning(thing: Any) -> str:
    return _bare(textwrap.dedent(inspect.getsource(thing)))


def _bare(source: str) -> str:
    """A source without what changes no result: comments, docstrings, and imports.

    Where a module is says nothing of what it does, which is a part of the digest itself.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        may_have_one = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if may_have_one and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    kept = (n for n in tree.body if not isinstance(n, ast.Import | ast.ImportFrom))
    return "\n".join(map(ast.unparse, kept))
