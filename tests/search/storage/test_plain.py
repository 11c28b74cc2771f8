"""Values come back from JSON as they went in."""

import json
import math
from collections import deque
from typing import Any

import numpy as np
import pytest

from tuner_component.search.storage import plain


def there_and_back(value: Any) -> Any:
    text = json.dumps(plain.encode(value), allow_nan=False)
    return plain.decode(json.loads(text))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        -0.1,
        1e-300,
        math.inf,
        -math.inf,
        "text \n ü",
        [1, [2.5, None]],
        (1, (2, "x")),
        {1, 2, 3},
        {"a": {"b": [1]}},
        {1: "x", (2, 3): "y"},
        {"$float": "not ours"},
        {"$tuple": [1]},
        [],
        {},
        (),
    ],
)
def test_value_comes_back(value: Any) -> None:
    """An oracle would go on with another state than it had."""
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)


def test_nan_comes_back() -> None:
    """A metric that was not a number would make the record unreadable."""
    assert math.isnan(there_and_back(math.nan))
    assert math.isnan(there_and_back({"x": [np.float32("nan")]})["x"][0])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array(7), 7),
        (np.str_("x"), "x"),
    ],
)
def test_numpy_numbers_become_pythons(value: Any, expected: Any) -> None:
    """A value that a Gaussian process suggested could not be written down."""
    back = there_and_back([value])[0]
    assert back == expected
    assert type(back) is type(expected)


@pytest.mark.parametrize(
    "value", [object(), [object()], {"x": print}, np.zeros(3), deque([1]), b"x"]
)
def test_anything_else_is_refused(value: Any) -> None:
    """It would come back as something else, or not at all."""
    with pytest.raises(plain.NotPlainError, match="Received"):
        plain.encode(value)


def test_nothing_is_shared() -> None:
    """What was written down would change with the oracle afterwards."""
    value = {"x": [1, {"y": [2]}]}
    encoded = plain.encode(value)
    value["x"][1]["y"].append(3)
    assert encoded == {"x": [1, {"y": [2]}]}


def test_equal_sets_are_encoded_alike() -> None:
    """An unchanged set would be journaled again and again."""
    assert plain.encode({"b", "a", "c"}) == plain.encode({"c", "b", "a"})
