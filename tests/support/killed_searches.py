"""Searches of Keras models in processes that are killed in the middle of a trial."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import keras
import keras_tuner

from tests.support.keras_trials import (
    DATA,
    EveryEpoch,
    InterruptAt,
    build,
    build_traced,
    outcome,
)
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.study import Study
from tuner_component.search.training.instrument import instrument, keep_state
from tuner_component.search.training.seeding import seeded_construction


class KillAt(InterruptAt):
    """Kills the process instead of interrupting it."""

    def interrupt(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def executions(directory: Path) -> Any:
    """Two executions of each trial."""
    return keras_tuner.RandomSearch(
        build,
        "val_loss",
        max_trials=2,
        executions_per_trial=2,
        directory=directory,
    )


def hyperband(directory: Path) -> Any:
    """Trials that continue others."""
    tuner = keras_tuner.Hyperband(build, "val_loss", max_epochs=4, directory=directory)
    tuner.oracle.max_trials = 6  # Its first bracket: in the second none continues one.
    return tuner


def mirrored(directory: Path) -> Any:
    """Training on two devices at once."""
    import tensorflow as tf

    cpus = tf.config.list_physical_devices("CPU")
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpus[0], two)
    return keras_tuner.RandomSearch(
        build_traced,  # An eager model is several times as slow here.
        "val_loss",
        max_trials=1,
        directory=directory,
        distribution_strategy=tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]),
    )


def search(scenario: str, directory: Path, kill_after: int | None) -> dict[str, Any]:
    """Runs a search, or the rest of one, in a process that has trained nothing yet.

    Args:
        scenario: The name of the function of this module that makes the tuner.
        directory: The directory for the study.
        kill_after: Kills the process in the epoch with this number.

    Returns:
        The outcome, and the epochs that this process trained.
    """
    KillAt.after(kill_after)
    callbacks = [KillAt(), keras.callbacks.EarlyStopping(patience=3)]
    with Study.open(str(directory / "study"), {"scenario": scenario}, seed=7) as study:
        with seeded_construction(study.seed):
            tuner = globals()[scenario](directory / "study" / "workdir")
        tuner.oracle = oracle = DurableOracle.open(tuner.oracle, study)
        keep_state(tuner, str(directory / "study" / "tuner.json"))
        instrument(
            tuner,
            study.directory,
            study.seed,
            note=oracle.note,
            budget=EveryEpoch(),
        )
        tuner.search(**DATA, epochs=4, callbacks=callbacks)
        oracle.finish()
    return {**outcome(tuner), "epochs": KillAt.epochs}
