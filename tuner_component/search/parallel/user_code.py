"""Calling the user's code for a tuner, in each process of a search."""

import functools
from typing import Any

from tuner_component.search import errors
from tuner_component.search.parallel import protocol
from tuner_component.search.training import preflight, seeding
from tuner_component.search.training.project_guard import shared_project


def make_tuner(
    entry: protocol.EntryPoint, role: str, seed: int, may_overwrite: bool = False
) -> tuple[Any, dict[str, Any]]:
    """Calls the entry point: the user's tuner, and the arguments for its `search`.

    Args:
        entry: What to call.
        role: "driver", "worker" or "check".
        seed: The study's seed.
        may_overwrite: See `shared_project`.

    Raises:
        UserCodeError: If it raises.
    """
    with (
        errors.user_code(entry.called),
        shared_project(may_overwrite),
        seeding.seeded_construction(seed),
    ):
        result = entry.load()(entry.argument, role)
        return result.tuner, dict(result.fit_kwargs or {})


def check(entry: protocol.EntryPoint, seed: int) -> None:
    """Checks a search in a process of its own, before the user's code runs in this.

    Args:
        entry: What to call.
        seed: The study's seed.

    Raises:
        PreflightError: If every trial would fail.
    """
    make = functools.partial(make_tuner, entry, "check", seed)
    preflight.Check(make, seed).settle()
