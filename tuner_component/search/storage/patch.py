"""The difference between two values that are JSON already, as JSON.

An oracle's state grows with the search while each step changes a little of it. Writing
only the change keeps the cost of a step constant.
"""

from typing import Any

# Where more elements than this changed, a list is written anew: a patch would be longer.
_MOST_ITEMS = 8


def diff(old: Any, new: Any) -> Any:
    """What turns `old` into `new`.

    Args:
        old: JSON-compatible data.
        new: JSON-compatible data.

    Returns:
        A patch for `apply`, JSON-compatible; None if the two are equal.
    """
    if type(old) is type(new) and old == new:
        return None
    if isinstance(old, dict) and isinstance(new, dict):
        return _diff_dict(old, new)
    if isinstance(old, list) and isinstance(new, list) and len(new) >= len(old):
        return _diff_list(old, new)
    return {"set": new}


def apply(old: Any, patch: Any) -> Any:
    """The state that a patch leads to.

    Args:
        old: The state that `diff` began with; containers in it are changed in place.
        patch: What `diff` returned.

    Returns:
        The new state.
    """
    if patch is None:
        return old
    if "set" in patch:
        return patch["set"]
    for key in patch.get("drop", ()):
        del old[key]
    for key, inner in patch.get("in", ()):
        known = old[key] if isinstance(old, list) or key in old else None
        old[key] = apply(known, inner)
    if "add" in patch:
        old.extend(patch["add"])
    return old


def _diff_dict(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    if dropped := [key for key in old if key not in new]:
        patch["drop"] = dropped
    changed = []
    for key, value in new.items():
        inner = diff(old[key], value) if key in old else {"set": value}
        if inner is not None:
            changed.append([key, inner])
    if changed:
        patch["in"] = changed
    return patch


def _diff_list(old: list[Any], new: list[Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    # Comparing the common part at once is what makes a long, growing list cheap.
    if old != new[: len(old)]:
        changed = [
            [index, inner]
            for index, (a, b) in enumerate(zip(old, new, strict=False))
            if (inner := diff(a, b)) is not None
        ]
        if len(changed) > _MOST_ITEMS:
            return {"set": new}
        patch["in"] = changed
    if len(new) > len(old):
        patch["add"] = new[len(old) :]
    return patch
