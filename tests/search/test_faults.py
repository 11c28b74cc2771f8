"""Fault injection kills exactly where it is told to."""

from collections.abc import Iterator

import pytest

from tests.search import crashes
from tuner_component.search import faults


@pytest.fixture(name="point")
def _point() -> Iterator[str]:
    yield faults.declare("test.point", "a point of this test")
    del faults._declared["test.point"]


def test_kills_at_the_nth_pass(point: str) -> None:
    """Only the first of many transitions could ever be tested."""
    passes = [lambda n=n: [faults.point(point) for _ in range(n)] for n in (2, 3)]
    assert crashes.run(passes[0], f"{point}:3")
    assert not crashes.run(passes[1], f"{point}:3")


def test_does_nothing_unless_asked(point: str) -> None:
    """Searches would be killed for no reason."""
    assert crashes.run(lambda: faults.point(point))
    assert crashes.run(lambda: faults.point(point), "test.other")


def test_undeclared_point_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A point that no list shows would never be tested."""
    monkeypatch.setenv(faults.VARIABLE, "anything")
    with pytest.raises(ValueError, match="declared"):
        faults.point("test.unknown")


def test_name_is_declared_once(point: str) -> None:
    """Two places would share a name, and one of them never be hit."""
    with pytest.raises(ValueError, match="Choose another"):
        faults.declare(point, "something else")


def test_every_point_says_what_it_is() -> None:
    """The chaos suite would list names nobody understands."""
    from tuner_component.search import durable_oracle

    assert durable_oracle is not None
    declared = faults.declared()
    assert len(declared) >= 18
    assert all(len(what) > 20 for what in declared.values())
