"""A patch leads from one state to the next, and is small."""

import copy
import json
import random
from typing import Any

import pytest

from tuner_component.search.storage import patch as patch_lib

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


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_patch_leads_to_the_new_state(old: Any, new: Any) -> None:
    """An oracle would be restored to a state it never had."""
    patch = json.loads(json.dumps(patch_lib.diff(old, new)))
    assert patch_lib.apply(copy.deepcopy(old), patch) == new
    back = json.loads(json.dumps(patch_lib.diff(new, old)))
    assert patch_lib.apply(copy.deepcopy(new), back) == old


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
        patch = json.loads(json.dumps(patch_lib.diff(before, state)))
        restored = patch_lib.apply(restored, patch)
        assert restored == state
        if not state:
            state["a"] = value(3)
            restored = copy.deepcopy(state)


def test_equal_states_need_no_patch() -> None:
    """Every record would carry the whole state."""
    state = {"a": [1, {"b": 2}]}
    assert patch_lib.diff(state, copy.deepcopy(state)) is None


@pytest.mark.parametrize("length", [10, 1000])
def test_patch_of_a_growing_list_does_not_grow(length: int) -> None:
    """The journal of a long search would grow with the square of its trials."""
    old = {"rounds": [[{"id": str(n)} for n in range(length)], [1]], "n": length}
    new = copy.deepcopy(old)
    new["rounds"][0].append({"id": "new"})
    new["n"] += 1
    assert len(json.dumps(patch_lib.diff(old, new))) < 120
