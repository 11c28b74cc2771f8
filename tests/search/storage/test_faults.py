"""Fault injection kills exactly where it is told to."""

import pytest

from tests.support import crashes
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


def test_every_point_says_what_it_is() -> None:
    """The chaos suite would list names nobody understands."""
    from tuner_component.search.oracle import durable

    assert durable is not None
    declared = faults.declared()
    assert len(declared) >= 18
    assert all(len(what) > 20 for what in declared.values())
