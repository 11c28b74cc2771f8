"""Constraints, as people write them."""

import math

import pytest

from tuner_component.search.constraint import Constraint


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        ("size <= 5e6", Constraint("size", "<=", 5e6)),
        ("val_recall>=.9", Constraint("val_recall", ">=", 0.9)),
        ("  latency ms <  -3 ", Constraint("latency ms", "<", -3.0)),
        ("x > 1", Constraint("x", ">", 1.0)),
    ],
)
def test_is_read(text: str, constraint: Constraint) -> None:
    """A search would be refused, or run with another bound."""
    assert Constraint.parse(text) == constraint


@pytest.mark.parametrize(
    "text",
    [
        *("", "size", "size <=", "<= 5", "size = 5", "size == 5", "size != 5"),
        *(
            "size <= many",
            "size <= nan",
            "size <= inf",
            "1 < size <= 5",
            "5 >= size > 1",
        ),
        *("size => 5", "size <= 5 6", "size <== 5", "size =< 5"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """A typing error would show when the search is over."""
    with pytest.raises(ValueError, match="METRIC <= NUMBER") as error:
        Constraint.parse(text)
    assert f"Received: {text!r}" in str(error.value)


@pytest.mark.parametrize("bound", [5e6, 0.1, 1 / 3, -0.0, 1e-300, 123456789.0])
def test_text_is_read_as_the_same(bound: float) -> None:
    """What is journaled would come back as another constraint."""
    constraint = Constraint("size", "<=", bound)
    assert Constraint.parse(str(constraint)) == constraint


def test_equal_constraints_have_one_text() -> None:
    """Another way to write a number would begin another search."""
    texts = ("size <= 5e6", "size<=5000000", "size <= 5_000_000.0")
    assert {str(Constraint.parse(text)) for text in texts} == {"size <= 5e+06"}


@pytest.mark.parametrize(
    ("text", "value", "violation"),
    [
        ("x <= 4", 4.0, 0.0),
        ("x <= 4", 5.0, 0.25),
        ("x >= 4", 3.0, 0.25),
        ("x <= 0", 2.0, 2.0),
        ("x > -4", -5.0, 0.25),
        ("x <= 4", math.inf, math.inf),
        ("x >= 4", math.inf, 0.0),
        ("x <= 4", math.nan, math.inf),
    ],
)
def test_violation_is_a_share_of_the_bound(
    text: str, value: float, violation: float
) -> None:
    """Trials would be compared by what one constraint counts in alone."""
    assert Constraint.parse(text).violation({"x": value}) == violation


def test_a_strict_bound_is_violated_by_its_own_value() -> None:
    """`<` would mean `<=`."""
    assert Constraint.parse("x < 4").violation({"x": 4.0}) > 0


def test_a_metric_that_is_not_there_violates() -> None:
    """A trial would pass that says nothing of its size."""
    assert Constraint.parse("x < 4").violation({"y": 1.0}) == math.inf
