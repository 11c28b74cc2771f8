"""User code for tests: Keras trials that an oracle pauses, and what they leave."""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any

import keras
import keras_tuner

from tests.support import scripts
from tests.support.halving import Halving
from tests.support.keras_trials import DATA, EveryEpoch, NoEpoch, build, outcome
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.parallel.protocol import EntryPoint
from tuner_component.search.study.study import Study
from tuner_component.search.training import instrument

EPOCHS, RUNGS = 6, (1, 3)
# Of a search that is about something else.
FEW_EPOCHS, ONE_RUNG = 2, (1,)


class Begun(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps a list of the epochs that start."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        with self._path.open("a") as file:
            print(epoch, file=file)


def tuner(
    directory: Path,
    rungs: Any = RUNGS,
    cls: Any = keras_tuner.Tuner,
    trials: int = 4,
    **kwargs: Any,
) -> Any:
    """A tuner with four trials, of which two and one go on."""
    objective = keras_tuner.Objective("val_loss", "min")
    oracle = Halving(rungs, objective=objective, max_trials=trials, seed=3)
    return cls(oracle, build, directory=directory / "work", **kwargs)


def entry(directory: Path, rungs: Any = RUNGS, kind: str = "make") -> EntryPoint:
    """The entry point of a search in a directory."""
    directory.mkdir(exist_ok=True)
    argument = json.dumps([str(directory), rungs]).encode()
    return EntryPoint(f"{__name__}:{kind}", argument)


def make(argument: bytes, role: str) -> Any:
    """Nothing but a pause has a state written."""
    directory, rungs = json.loads(argument)
    instrument.WriteBudget = NoEpoch  # type: ignore[misc]
    begun = Begun(Path(directory, "begun"))
    return types.SimpleNamespace(
        tuner=tuner(Path(directory), rungs), fit_kwargs=fit_kwargs(begun)
    )


def make_many(argument: bytes, role: str) -> Any:
    """Eight trials, of which half go on at each rung; each epoch is saved."""
    directory, rungs = json.loads(argument)
    instrument.WriteBudget = EveryEpoch  # type: ignore[misc]
    fit = fit_kwargs(Begun(Path(directory, "begun")), epochs=len(rungs) + 1)
    made = tuner(Path(directory), rungs, trials=8)
    return types.SimpleNamespace(tuner=made, fit_kwargs={**fit, "batch_size": 80})


def fit_kwargs(*callbacks: Any, epochs: int = EPOCHS) -> dict[str, Any]:
    return {**DATA, "epochs": epochs, "batch_size": 30, "callbacks": [*callbacks]}


def begun(directory: Path) -> dict[str, int]:
    """How often each epoch was begun."""
    epochs = (directory / "begun").read_text().split()
    return {epoch: epochs.count(epoch) for epoch in sorted(set(epochs))}


def search_and_look(
    entry: EntryPoint, study: str, options: SearchOptions, directory: str, rungs: Any
) -> dict[str, Any]:
    """Runs a search, and returns what its best trials are worth, weights included."""
    scripts.search(entry, study, options)
    found = tuner(Path(directory), rungs)
    with Study.open(study, scripts.FINGERPRINT) as opened:
        found.oracle = DurableOracle.open(found.oracle, opened)
        return outcome(found)
