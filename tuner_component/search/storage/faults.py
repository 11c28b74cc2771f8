"""Fault injection: places where a test may have this very process killed.

There is a point on either side of every transition that becomes durable, so that a test
can crash a search at each of them in turn instead of hoping for luck. In production a
point costs one look-up in the environment.

Call `faults.point`, do not import `point`: a test puts another function in its place to
have the process wait there while it kills another one.
"""

import os
import signal

VARIABLE = "TUNER_COMPONENT_FAULT"

_declared: dict[str, str] = {}
_passed: dict[str, int] = {}


def declare(name: str, what: str) -> str:
    """Registers a fault-injection point, at import of the module that has it.

    Args:
        name: Dotted name of the point, unique in the package.
        what: The state of things there, for a reader of the list.

    Returns:
        `name`, to be kept in a constant and passed to `point`.

    Raises:
        ValueError: The name is taken.
    """
    if _declared.setdefault(name, what) != what:
        raise ValueError(
            f"Expected a new name for a fault point. Received: {name!r}, which is "
            f"declared already ({_declared[name]}). Choose another."
        )
    return name


def declared() -> dict[str, str]:
    """The points of all modules imported so far: what each name stands for."""
    return dict(_declared)


def point(name: str) -> None:
    """Kills this process (SIGKILL) if the environment asks for it here.

    `TUNER_COMPONENT_FAULT=<name>` kills at the first pass, `<name>:<n>` at the n-th pass
    of this process, counted from 1.

    Args:
        name: A declared point.

    Raises:
        ValueError: The point was never declared, so that no list would show it.
    """
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    if name not in _declared:
        raise ValueError(
            f"Expected a declared fault point. Received: {name!r}. "
            "Call faults.declare first."
        )
    target, _, nth = wanted.partition(":")
    if target != name:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
