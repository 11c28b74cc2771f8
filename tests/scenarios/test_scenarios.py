"""What runs in the stock Tuner runs here: in process, and with two workers."""

from __future__ import annotations

import inspect
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
# No trial of these completes in the stock Tuner, nor here.
HOPELESS = {
    "objective_that_nothing_reports": "val_rmse",
    "validation_at_some_epochs": "validation_freq",
    "class_weights_for_a_generator": "class_weight",
    "too_large": "Oversized",
}


def scenarios(module: ModuleType) -> list[str]:
    """The functions of a module that are a `tuner_fn`."""
    found = inspect.getmembers(module, inspect.isfunction)
    return [
        f"{module.__name__}.{name}"
        for name, function in found
        if function.__module__ == module.__name__ and not name.startswith("_")
    ]


ALL = [name for module in MODULES for name in scenarios(module)]


def points(outcome: stock.Outcome) -> list[Any]:
    return sorted(str(sorted(trial.items())) for trial in outcome.trials.values())


def test_there_are_many() -> None:
    """Modules that nobody collects would never run."""
    assert len(ALL) >= 40


@pytest.mark.slow
@pytest.mark.parametrize("tuner_fn", ALL)
def test_as_in_the_stock_tuner(tuner_fn: str, tmp_path: Path) -> None:
    """A module that the stock Tuner runs would be refused, or find something else."""
    name = tuner_fn.rpartition(".")[2]
    found = {mode: stock.run(tuner_fn, mode, tmp_path / mode) for mode in stock.MODES}
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
