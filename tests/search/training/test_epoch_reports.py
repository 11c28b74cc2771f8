"""What trials report after every epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from tests.support import simulation
from tests.support.keras_trials import DATA, EveryEpoch, Interrupt, InterruptAt, build
from tuner_component.search.epochs import Decision
from tuner_component.search.in_process.run import run_in_process
from tuner_component.search.study.history_reading import read_history
from tuner_component.search.study.study import Study
from tuner_component.search.study.trial_history import TrialHistory
from tuner_component.search.training.epoch_reports import (
    numbers,
    report_epoch,
    sent_to,
)
from tuner_component.search.training.instrument import instrument


def test_only_numbers_are_reported() -> None:
    """A metric that is no number would stop the training."""
    logs = {"loss": np.float32(0.5), "matrix": np.zeros((2, 2)), "text": "x", "n": 2}
    assert numbers(logs) == {"loss": 0.5, "n": 2.0}


@pytest.mark.parametrize("argument", ["epoch", "training"])
@pytest.mark.parametrize(
    ("number", "error"),
    [(-1, ValueError), (400_000_000, ValueError), (1.5, TypeError), ("1", TypeError)],
)
def test_a_number_that_no_epoch_has_fails_the_trial(
    argument: str, number: Any, error: type[Exception]
) -> None:
    """It would end the search, and every further run of it."""
    with sent_to(lambda *epoch: False), pytest.raises(error, match=argument):
        report_epoch({"loss": 1.0}, **{argument: number})


def test_numbers_of_numpy_count_epochs(tmp_path: Path) -> None:
    """A loop over `np.arange` could not report."""
    heard: list[Any] = []
    with sent_to(lambda *epoch: bool(heard.append(epoch))):
        report_epoch({"loss": 1.0}, np.int64(3), np.int32(1))
        report_epoch({"loss": 1.0})
    assert heard == [({"loss": 1.0}, 3, 1), ({"loss": 1.0}, None, None)]
    assert type(heard[0][1]) is int


def tuner_in(directory: str, hypermodel: Any = build, **kwargs: Any) -> Any:
    kwargs = {"objective": "val_loss", "max_trials": 1, "seed": 3, **kwargs}
    return keras_tuner.RandomSearch(hypermodel, directory=directory, **kwargs)


def search(directory: Path, tuner: Any, **fit_kwargs: Any) -> list[TrialHistory]:
    """Searches in process and reads back what is known of the trials."""
    with Study.open(str(directory), simulation.FINGERPRINT) as study:
        run_in_process(tuner, {**DATA, "epochs": 3, **fit_kwargs}, study)
        return list(read_history(str(directory), study.id).trials.values())


@pytest.mark.slow
def test_the_end_of_a_trial_has_its_curves(tmp_path: Path) -> None:
    """A report would have nothing to draw."""
    heard: list[dict[str, float]] = []

    class Hear(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            heard.append(dict(logs))

    tuner = tuner_in(str(tmp_path / "work"), executions_per_trial=2)
    [trial] = search(tmp_path / "study", tuner, callbacks=[Hear()])
    assert trial.ended is not None
    expected = [
        {name: [logs[name] for logs in fit] for name in ("loss", "val_loss")}
        for fit in (heard[:3], heard[3:])
    ]
    assert trial.ended["curves"] == expected
    assert min(expected[0]["val_loss"]) != min(expected[1]["val_loss"])


@pytest.mark.slow
def test_a_trial_that_goes_on_tells_its_epochs_again(tmp_path: Path) -> None:
    """The curve of an interrupted trial would lack its beginning."""

    def run(study: str, interrupt_after: int | None) -> list[tuple[Any, ...]]:
        told: list[tuple[Any, ...]] = []

        def report(*epoch: Any, **how: bool) -> Decision:
            told.append(epoch)
            return Decision.GO_ON

        tuner = tuner_in(f"{study}/work", executions_per_trial=2)
        instrument(
            tuner,
            study,
            5,
            report_epoch=report,
            budget=EveryEpoch(),
        )
        InterruptAt.after(interrupt_after)
        try:
            tuner.search(**{**DATA, "epochs": 3, "callbacks": [InterruptAt()]})
        except Interrupt:
            told.clear()
            return run(study, None)
        return told

    whole = run(str(tmp_path / "a"), None)
    assert [(fit, epoch) for _, fit, epoch, _ in whole] == [
        (fit, epoch) for fit in range(2) for epoch in range(3)
    ]
    assert run(str(tmp_path / "b"), 5) == whole
    # The first training was over, of the second an epoch was saved.
    assert InterruptAt.epochs == [1, 2]
