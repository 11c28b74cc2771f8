"""Values come back from JSON as they went in; a patch leads from one to the next."""

import copy
import json
import math
import random
from collections import deque
from typing import Any

import numpy as np
import pytest

from tuner_component.search.storage import plain

PAIRS = [
    ({}, {"a": 1}),
    ({"a": 1, "b": 2}, {"b": 3}),
    ({"a": {"b": [1]}}, {"a": {"b": [1, 2]}}),
    ({"a": [1, 2, 3]}, {"a": [1, 2]}),
    ({"a": [1, 2, 3]}, {"a": [2, 3, 4]}),
    ({"a": [{"x": 1}, {"x": 2}]}, {"a": [{"x": 1}, {"x": 3}, {"x": 4}]}),
    ({"a": None}, {"a": {}}),
    ({"a": {}}, {"a": []}),
    ({"a": [None]}, {"a": [[]]}),
    ({"set": 1, "in": 2, "add": 3, "drop": 4}, {"set": 2, "in": [], "add": 3}),
    ({"a": 1}, {"a": "1"}),
]


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


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, -0.0, 2.5, True, None, "text \n ü", {"b": [[]]}]},
        {"x": 1 << 80, "y": 5e-324, "z": "\ud800", "$": 1},
        [{"a": (1, 2)}, {"b": {3}}, {4: "c"}, {"d": math.inf}],
    ],
)
def test_quick_way_leads_to_the_same(
    value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written down would depend on what else is in it."""
    quick = plain.encode(value)
    back = plain.decode(quick)
    monkeypatch.setattr(plain, "copied", lambda value: plain.NOT_THE_SAME)
    assert repr(plain.encode(value)) == repr(quick)
    assert repr(plain.decode(quick)) == repr(back)


def test_large_plain_value_is_not_looked_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The brackets of Hyperband, hundreds of dicts, would cost a trial a millisecond."""
    monkeypatch.setattr(plain, "_encode", None)
    monkeypatch.setattr(plain, "_decode", None)
    value = {"brackets": [{"round": n, "score": n / 7} for n in range(9)]}
    assert plain.decode(plain.encode(value)) == value


def test_nothing_is_shared() -> None:
    """What was written down would change with the oracle afterwards."""
    value = {"x": [1, {"y": [2]}]}
    encoded = plain.encode(value)
    value["x"][1]["y"].append(3)
    assert encoded == {"x": [1, {"y": [2]}]}


def test_equal_sets_are_encoded_alike() -> None:
    """An unchanged set would be journaled again and again."""
    assert plain.encode({"b", "a", "c"}) == plain.encode({"c", "b", "a"})


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_patch_leads_to_the_new_state(old: Any, new: Any) -> None:
    """An oracle would be restored to a state it never had."""
    patch = json.loads(json.dumps(plain.diff(old, new)))
    assert plain.apply(copy.deepcopy(old), patch) == new
    back = json.loads(json.dumps(plain.diff(new, old)))
    assert plain.apply(copy.deepcopy(new), back) == old


def test_long_chain_of_random_changes() -> None:
    """Some rare kind of change would go wrong, long after it happened."""
    rng = random.Random(3)

    def value(depth: int) -> Any:
        kind = rng.randrange(5 if depth else 2)
        if kind < 2:
            return rng.choice([None, 1, 2.5, "x", True])
        if kind == 2:
            return {rng.choice("abcd"): value(depth - 1) for _ in range(3)}
        return [value(depth - 1) for _ in range(rng.randrange(4))]

    def mutate(data: Any) -> None:
        if isinstance(data, dict) and data:
            key = rng.choice(sorted(data))
            if rng.random() < 0.2:
                del data[key]
            elif rng.random() < 0.5:
                data[key] = value(2)
            else:
                mutate(data[key])
        elif isinstance(data, list):
            data.insert(rng.randrange(len(data) + 1), value(2))

    state: Any = {key: value(3) for key in "abcd"}
    restored: Any = copy.deepcopy(state)
    for _ in range(500):
        before = copy.deepcopy(state)
        mutate(state)
        patch = json.loads(json.dumps(plain.diff(before, state)))
        restored = plain.apply(restored, patch)
        assert restored == state
        if not state:
            state["a"] = value(3)
            restored = copy.deepcopy(state)


def test_equal_states_need_no_patch() -> None:
    """Every record would carry the whole state."""
    state = {"a": [1, {"b": 2}]}
    assert plain.diff(state, copy.deepcopy(state)) is None


@pytest.mark.parametrize("length", [10, 1000])
def test_patch_of_a_growing_list_does_not_grow(length: int) -> None:
    """The journal of a long search would grow with the square of its trials."""
    old = {"rounds": [[{"id": str(n)} for n in range(length)], [1]], "n": length}
    new = copy.deepcopy(old)
    new["rounds"][0].append({"id": "new"})
    new["n"] += 1
    assert len(json.dumps(plain.diff(old, new))) < 120
