"""User code for tests: Keras trials that report their epoch, and wait in one."""

from __future__ import annotations

import json
import os
import types
from collections.abc import Collection
from pathlib import Path
from typing import Any

import keras
import keras_tuner

from tests.support import meeting
from tests.support.keras_trials import (
    DATA,
    EveryEpoch,
    NoEpoch,
    build,
    build_traced,
)
from tuner_component.search.training import instrument


class MeetAt(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps a list of the epochs that start, and meets the test before some of them."""

    def __init__(self, begun: Path, epochs: Collection[int], address: str) -> None:
        super().__init__()
        self._begun = begun
        self._epochs = epochs
        self._address = address

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        with self._begun.open("a") as file:
            print(epoch, file=file)
        if epoch in self._epochs and self._address:
            meeting.attend(self._address, pid=os.getpid(), epoch=epoch)


def make(argument: bytes, role: str, build: Any = build_traced, **kwargs: Any) -> Any:
    """The entry point: two trials of four epochs, saved after each epoch."""
    directory, address = json.loads(argument)
    instrument.WriteBudget = EveryEpoch  # type: ignore[misc]
    tuner = keras_tuner.RandomSearch(
        build, "val_loss", max_trials=2, directory=directory
    )
    begun = Path(directory, "begun")
    fit_kwargs = {**DATA, "epochs": 4, "callbacks": [MeetAt(begun, [2], address)]}
    return types.SimpleNamespace(tuner=tuner, fit_kwargs={**fit_kwargs, **kwargs})


def make_long(argument: bytes, role: str) -> Any:
    """The same with seven epochs, of eager models, which train at once."""
    return make(argument, role, build, epochs=7, batch_size=64)


def make_unsaved(argument: bytes, role: str) -> Any:
    """One such trial, which is saved only if it is about to be ended.

    It meets the test before each epoch.
    """
    found = make(argument, role, build, epochs=5, batch_size=64)
    instrument.WriteBudget = NoEpoch  # type: ignore[misc]
    found.tuner.oracle.max_trials = 1
    (meets,) = found.fit_kwargs["callbacks"]
    meets._epochs = range(5)
    return found
