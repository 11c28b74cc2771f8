"""What runs in the stock Tuner runs here: in process, and with two workers.

There is more than the suite has time for: `TEST_CORPUS=1` runs `ON_DEMAND` as well.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.scenarios import callbacks, kinds, models, objectives, sources
from tests.support import stock

MODULES = (objectives, callbacks, sources, models, kinds)
# Their trials depend on which ones have ended when they are created.
ORDER_MATTERS = {"hyperband", "conditional_space", "run_trial_that_tunes_fit"}
# The stock Tuner fails when it writes the results, which is another matter.
NOT_WRITTEN = {"hyperband"}
# They change their process for good.
ALONE = {"mirrored", "mixed_precision", "tracker"}
# No trial of these completes in the stock Tuner, nor here.
HOPELESS = {
    "objective_that_nothing_reports": "val_rmse",
    "validation_at_some_epochs": "validation_freq",
    "class_weights_for_a_generator": "class_weight",
    "too_large": "Oversized",
}
# Others in the suite do much the same.
ON_DEMAND = {
    "accuracy",
    "bayesian",
    "build_without_a_shape",
    "class_weights",
    "csv_log",
    "dataset",
    "dataset_of_a_generator",
    "dataset_shuffled_and_cached",
    "dropout_and_batch_normalization",
    "executions",
    "functional",
    "grid",
    "hypermodel_class",
    "known_space",
    "lambda_callback",
    "learning_rate_callbacks",
    "learning_rate_schedules",
    "loss_class",
    "metric_function",
    "metric_of_the_tuner",
    "mixed_precision",
    "one_device",
    "overridden_space",
    "overwriting",
    "retries",
    "run_trial_that_tunes_fit",
    "sample_weights",
    "training_loss",
}


def scenarios(module: ModuleType) -> list[str]:
    """The functions of a module that are a `tuner_fn`."""
    found = inspect.getmembers(module, inspect.isfunction)
    return [
        f"{module.__name__}.{name}"
        for name, function in found
        if function.__module__ == module.__name__ and not name.startswith("_")
    ]


def kind(tuner_fn: str) -> str:
    return tuner_fn.rpartition(".")[2]


ALL = [name for module in MODULES for name in scenarios(module)]
SUITE = [name for name in ALL if kind(name) not in ON_DEMAND]
CHOSEN = ALL if os.environ.get("TEST_CORPUS") else SUITE


def points(outcome: stock.Outcome) -> list[Any]:
    return sorted(str(sorted(trial.items())) for trial in outcome.trials.values())


def test_there_are_many() -> None:
    """Modules that nobody collects would never run."""
    assert len(SUITE) >= 42
    assert len(ALL) - len(SUITE) == len(ON_DEMAND)


@pytest.mark.slow
@pytest.mark.parametrize("tuner_fn", CHOSEN)
def test_as_in_the_stock_tuner(tuner_fn: str, tmp_path: Path) -> None:
    """A module that the stock Tuner runs would be refused, or find something else."""
    name = kind(tuner_fn)
    alone = name in ALONE
    found = {
        mode: stock.run(tuner_fn, mode, tmp_path / mode, alone) for mode in stock.MODES
    }
    theirs = found.pop("stock")
    if name not in NOT_WRITTEN:
        assert bool(theirs.trials) == (name not in HOPELESS), theirs.said
    for mode, ours in found.items():
        if name in HOPELESS:
            assert ours.error is not None, mode
            assert HOPELESS[name] in ours.said, mode
            continue
        assert ours.error is None, f"{mode}: {ours.said}"
        assert ours.best in ours.trials.values()
        if name not in NOT_WRITTEN:
            assert len(ours.trials) == len(theirs.trials), mode
        if name not in ORDER_MATTERS:
            assert points(ours) == points(theirs), mode
    if name not in HOPELESS | dict.fromkeys(ORDER_MATTERS):
        assert found["in process"].trials == theirs.trials
