"""Tuners that share a project's directory, with each other or with those of earlier runs.

A tuner that is made with `overwrite=True` deletes its project's directory first, and
one without it loads the oracle's state from there. When each process of a search and each
run of it makes its own tuner, the first would destroy the others' checkpoints, and the
second would find a state that is not the study's. So neither happens here.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from keras_tuner.engine import base_tuner
from keras_tuner.src.backend import io


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
