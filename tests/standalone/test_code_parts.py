"""What a function depends on decides whether a search is the same."""

from __future__ import annotations

import functools
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pandas as pd
import pytest

from tuner_component.standalone.code_parts import CodeParts

# Prints the parts of `main` in a script of its own.
_END = """
from tuner_component.standalone.code_parts import CodeParts
code = CodeParts()
code.add("main", main)
print(sorted(code.parts.items()))
print(sorted(code.libraries))
"""
_SCRIPT = """
import json
import numpy

SIZES = [1, 2]

def helper(x):
    # A comment.
    return json.dumps(x)

class Tool:
    size = 3

    def use(self):
        return helper(SIZES)

def other():
    return 1

def main():
    return [numpy.float32(tool) for tool in [Tool().use()]]
"""


def of_script(path: Path, source: str) -> tuple[str, str]:
    """The parts, and the libraries, of the function `main` of a script."""
    path.write_text(source + _END)
    done = subprocess.run(
        [sys.executable, str(path)], check=True, capture_output=True, text=True
    )
    parts, libraries = done.stdout.splitlines()
    return parts, libraries


def parts_of(value: Any) -> dict[str, str]:
    code = CodeParts()
    code.add("it", value)
    return code.parts


def test_function_of_a_script_counts_with_all_that_it_uses(tmp_path: Path) -> None:
    """A search would go on with another model than it began with."""
    parts, libraries = of_script(tmp_path / "a.py", _SCRIPT)
    for name in ("function main", "class Tool", "function helper", "value SIZES"):
        assert name in parts
    assert "other" not in parts
    assert libraries == "['numpy']"


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("# A comment.", "# Another.", True),
        ("return 1", "return 2", True),
        ("    return json", "\n    return   json", True),
        ("[1, 2]", "[1, 3]", False),
        ("size = 3", "size = 4", False),
        ("dumps(x)", "dumps([x])", False),
        ("float32", "float64", False),
    ],
)
def test_only_what_matters_starts_a_new_search(
    tmp_path: Path, old: str, new: str, same: bool
) -> None:
    """A comment would cost a search, or a change go unseen."""
    before = of_script(tmp_path / "a.py", _SCRIPT)
    after = of_script(tmp_path / "b.py", _SCRIPT.replace(old, new))
    assert (before == after) is same


def test_module_of_the_users_counts_with_what_it_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change in a helper's file would go unseen."""
    (tmp_path / "parts_outer.py").write_text("import parts_inner\ndef f(): pass\n")
    (tmp_path / "parts_inner.py").write_text("import os\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    parts = parts_of(importlib.import_module("parts_outer").f)
    assert set(parts) == {"module parts_outer", "module parts_inner"}


def _given(value: Any) -> Callable[[], Any]:
    def inner() -> Any:
        return value

    return inner


def ragged(middle: int) -> Any:
    """Sequences of several lengths, the first one so long that it is printed in part."""
    found = np.empty(2, object)
    found[:] = [np.zeros(3000), np.zeros(2)]
    found[0][1500] = middle
    return found


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (1, 2),
        ("a", "b"),
        ({"a": [1, (2,)]}, {"a": [1, (3,)]}),
        ({1, 2}, {1, 3}),
        (np.zeros(3), np.ones(3)),
        (np.zeros(3), np.zeros(3, np.float32)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.array([{}], object), np.array([[]], object)),
        (ragged(0), ragged(1)),
        (np.array(["2026-01-01"], "M8[D]"), np.array(["2026-01-02"], "M8[D]")),
        (np.ones(3, ml_dtypes.bfloat16), np.zeros(3, ml_dtypes.bfloat16)),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
    ],
)
@pytest.mark.parametrize("how", ["closure", "partial", "plain"])
def test_data_counts_by_its_content(value: Any, other: Any, how: str) -> None:
    """Scores on other data would count as scores on this."""
    ways: dict[str, Callable[[Any], Any]] = {
        "closure": _given,
        "partial": lambda given: functools.partial(sorted, given),
        "plain": lambda given: given,
    }
    wrapped = ways[how]
    assert parts_of(wrapped(value)) != parts_of(wrapped(other))
    if isinstance(value, np.ndarray):
        assert parts_of(wrapped(value)) == parts_of(wrapped(value.copy()))


class Opaque:
    """Something that cannot be compared, with an attribute that can."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.other = object()


def test_object_counts_by_its_class_and_its_data() -> None:
    """A callback with another patience would be taken for the same."""
    assert parts_of(Opaque(1)) == parts_of(Opaque(1))
    assert parts_of(Opaque(1)) != parts_of(Opaque(2))


def test_objects_in_a_list_count_too() -> None:
    """Callbacks come in lists."""
    assert parts_of([Opaque(1)]) == parts_of([Opaque(1)])
    assert parts_of([Opaque(1)]) != parts_of([Opaque(2)])
    assert parts_of({"callbacks": [Opaque(1)]}) != parts_of({"callbacks": [Opaque(2)]})


def test_what_holds_itself_ends() -> None:
    """A recursive function would never be described."""

    def again() -> Any:
        return again

    values: list[Any] = [Opaque(1)]
    values.append(values)
    assert parts_of(again)
    assert parts_of(values)


def test_objects_in_an_array_count_as_those_in_a_list() -> None:
    """Where they are in memory would make it another search each time."""
    one, same, other = (np.array([Opaque(n)], object) for n in (1, 1, 2))
    assert parts_of(one) == parts_of(same) != parts_of(other)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_is_typed_at_a_prompt_is_the_same_in_each_process(number: int) -> None:
    """Who pipes a script into Python would never go on with a search."""
    program = (
        "from tuner_component.standalone.code_parts import CodeParts\n"
        "def f(x): return x in {'a', 'b', 'c', 'd', 'e', 'f'}\n"
        "parts = CodeParts()\nparts.add('f', f)\nprint(parts.parts)\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-"],
            input=program,
            capture_output=True,
            check=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in (0, number)
    }
    assert len(said) == 1 and "function f" in said.pop()
