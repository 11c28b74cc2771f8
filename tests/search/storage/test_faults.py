"""Fault injection kills exactly where it is told to."""

import ast
import re
from pathlib import Path

import pytest

from tests.support import crashes
from tests.support.project import ROOT
from tuner_component.search.storage import faults


def pass_point(times: int) -> None:
    point = faults.declare("test.point", "a point of this test")
    for _ in range(times):
        faults.point(point)


def test_kills_at_the_nth_pass() -> None:
    """Only the first of many transitions could ever be tested."""
    assert crashes.run(lambda: pass_point(2), "test.point:3")
    assert not crashes.run(lambda: pass_point(3), "test.point:3")


def test_does_nothing_unless_asked() -> None:
    """Searches would be killed for no reason."""
    assert crashes.run(lambda: pass_point(1))
    assert crashes.run(lambda: pass_point(1), "test.other")


def test_undeclared_point_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A point that no list shows would never be tested."""
    monkeypatch.setenv(faults.VARIABLE, "anything")
    with pytest.raises(ValueError, match="declared"):
        faults.point("test.unknown")


def test_name_is_declared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two places would share a name, and one of them never be hit."""
    monkeypatch.setattr(faults, "_declared", {})
    faults.declare("test.taken", "a point of this test")
    with pytest.raises(ValueError, match="Choose another"):
        faults.declare("test.taken", "something else")


def calls_of(function: str) -> list[tuple[Path, ast.Call]]:
    """The calls of `faults.<function>` in the package, each with its module."""
    return [
        (path, node)
        for path in sorted((ROOT / "tuner_component").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"faults.{function}"
    ]


def constants_of(path: Path) -> dict[str, str]:
    """The constants of a module that name fault points, with these names."""
    return {
        ast.unparse(node.targets[0]): ast.literal_eval(node.value.args[0])
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func) == "faults.declare"
    }


def test_every_point_is_passed_somewhere() -> None:
    """The chaos suite would wait for a point that no process comes to."""
    declared = {ast.literal_eval(call.args[0]) for _, call in calls_of("declare")}
    passed = {
        constants_of(path)[ast.unparse(call.args[0])]
        for path, call in calls_of("point")
    }
    assert declared == passed
    assert {"journal.commit.before", "journal.commit.after"} <= declared


def test_every_point_says_what_it_is() -> None:
    """The list of points would have names that no one understands."""
    points = [
        [ast.literal_eval(argument) for argument in call.args]
        for _, call in calls_of("declare")
    ]
    for name, what in points:
        assert re.fullmatch(r"[a-z]+\.[a-z]+\.[a-z]+", name), name
        words = set(re.findall(r"[a-z]+", what))
        # It has to say more than the name does.
        assert len(words - set(name.split("."))) >= 5, f"{name}: {what}"
    assert len({what for _, what in points}) == len(points) == len(dict(points))
