"""What runs in the stock Tuner runs here: in process, and with two workers.

There is more than the suite has time for: `TEST_CORPUS=1` runs `ON_DEMAND` as well, and
makes the check before the first trial with workers, too. In process it is always made.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.scenarios import callbacks, habits, kinds, models, objectives, sources
from tests.support import stock

MODULES = (objectives, callbacks, sources, models, kinds, habits)
# Their trials depend on which ones have ended when they are created.
ORDER_MATTERS = {"hyperband", "conditional_space", "run_trial_that_tunes_fit"}
# The stock Tuner fails when it writes the results, which is another matter.
NOT_WRITTEN = {"hyperband"}
# They change their process for good.
ALONE = {
    "another_directory",
    "determinism",
    "functions_that_run_eagerly",
    "handler_of_signals",
    "mirrored",
    "mixed_precision",
    "thread_of_its_own",
    "threads_of_tensorflow",
    "tracker",
}
# No trial of these completes in the stock Tuner, nor here.
HOPELESS = {
    "objective_that_nothing_reports": "val_rmse",
    "validation_at_some_epochs": "validation_freq",
    "class_weights_for_a_generator": "class_weight",
    "too_large": "Oversized",
}
# The check lets its trials decide: they are fewer than have to fail in a row.
UNSURE = {"too_large"}
# Others in the suite do much the same.
ON_DEMAND = {
    "accuracy",
    "added_loss",
    "backup_and_restore",
    "baseline_before_the_search",
    "batches_of_other_processes",
    "bayesian",
    "build_without_a_shape",
    "built_once_by_hand",
    "class_weights",
    "csv_log",
    "dataset",
    "dataset_of_a_generator",
    "dataset_shuffled_and_cached",
    "dataset_without_end",
    "determinism",
    "dropout_and_batch_normalization",
    "executions",
    "functional",
    "functions_that_run_eagerly",
    "grid",
    "handler_of_signals",
    "hypermodel_class",
    "known_space",
    "lambda_callback",
    "layers_of_another_input",
    "learning_rate_callbacks",
    "learning_rate_schedules",
    "loss_class",
    "loss_function",
    "metric_function",
    "metric_of_the_tuner",
    "mixed_precision",
    "one_device",
    "overridden_space",
    "overwriting",
    "retries",
    "run_trial_that_tunes_fit",
    "sample_weights",
    "sequence",
    "several_objectives",
    "summary_of_the_space",
    "tensorboard",
    "thread_of_its_own",
    "threads_of_tensorflow",
    "training_loss",
    "training_that_a_callback_ends",
    "validation_split",
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
EVERYTHING = bool(os.environ.get("TEST_CORPUS"))


def points(outcome: stock.Outcome) -> list[Any]:
    return sorted(str(sorted(trial.items())) for trial in outcome.trials.values())


def test_there_are_many() -> None:
    """Modules that nobody collects would never run."""
    assert len(SUITE) >= 42
    assert len(ALL) - len(SUITE) == len(ON_DEMAND)


@pytest.mark.slow
@pytest.mark.parametrize("tuner_fn", ALL if EVERYTHING else SUITE)
def test_as_in_the_stock_tuner(tuner_fn: str, tmp_path: Path) -> None:
    """A module that the stock Tuner runs would be refused, or find something else."""
    name = kind(tuner_fn)
    alone = name in ALONE
    everywhere = EVERYTHING or alone or name in HOPELESS
    found = {
        mode: stock.run(
            tuner_fn, mode, tmp_path / mode, alone, everywhere or mode != "in workers"
        )
        for mode in stock.MODES
    }
    theirs = found.pop("stock")
    if name not in NOT_WRITTEN:
        assert bool(theirs.trials) == (name not in HOPELESS), theirs.said
    for mode, ours in found.items():
        if name in HOPELESS:
            assert ours.error is not None, mode
            assert HOPELESS[name] in ours.said, mode
            # In workers the first trials begin meanwhile, and may be as fast.
            if mode == "in process" and name not in UNSURE:
                assert ours.error == "PreflightError", ours.said
            continue
        assert ours.error is None, f"{mode}: {ours.said}"
        assert ours.best in ours.trials.values()
        if name not in NOT_WRITTEN:
            assert len(ours.trials) == len(theirs.trials), mode
        if name not in ORDER_MATTERS:
            assert points(ours) == points(theirs), mode
    if name not in HOPELESS | dict.fromkeys(ORDER_MATTERS):
        assert found["in process"].trials == theirs.trials
