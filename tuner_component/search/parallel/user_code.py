"""Calling the user's code for a tuner, in each process of a search.

A tuner that is made with `overwrite=True` deletes its project's directory first, and
one without it loads the oracle's state from there. When each process of a search makes
its own tuner, the first would destroy the others' checkpoints, and the second would
find a state that is not the study's. So neither happens here.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from keras_tuner.engine import base_tuner
from keras_tuner.src.backend import io

from tuner_component.search import errors
from tuner_component.search.parallel import protocol
from tuner_component.search.training import seeding


def make_tuner(
    entry: protocol.EntryPoint, role: str, seed: int, may_overwrite: bool = False
) -> tuple[Any, dict[str, Any]]:
    """Calls the entry point: the user's tuner, and the arguments for its `search`.

    Args:
        entry: What to call.
        role: "driver" or "worker".
        seed: The study's seed.
        may_overwrite: See `shared_project`.

    Raises:
        UserCodeError: If it raises.
    """
    with (
        errors.user_code("tuner_fn"),
        shared_project(may_overwrite),
        seeding.seeded_construction(seed),
    ):
        result = entry.load()(entry.argument, role)
        return result.tuner, dict(result.fit_kwargs or {})


@contextlib.contextmanager
def shared_project(may_overwrite: bool = False) -> Iterator[None]:
    """While it lasts, tuners are made without changing what is on disk.

    Not for use in several threads at a time: it replaces functions of KerasTuner.

    Args:
        may_overwrite: Whether `overwrite=True` still deletes: right for the first
            process of a new search, before any other has written there.
    """
    delete, reload = io.rmtree, base_tuner.BaseTuner.reload
    if not may_overwrite:
        io.rmtree = _keep
    base_tuner.BaseTuner.reload = _start_anew
    try:
        yield
    finally:
        io.rmtree = delete
        base_tuner.BaseTuner.reload = reload


def _keep(path: Any) -> None:
    """Deletes nothing."""


def _start_anew(tuner: Any) -> None:
    """What a new tuner does instead of loading; the study holds the state."""
    tuner._populate_initial_space()
