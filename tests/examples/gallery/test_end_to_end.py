"""Whole workflows in `run_trial`, whatever it returns."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples import end_to_end
from tests.support import gallery

pytestmark = pytest.mark.slow


@gallery.workers
@pytest.mark.parametrize("returns", ["number", "dictionary", "history", "list"])
def test_workflow_is_tuned_and_run_again(
    returns: str, workers: int, tmp_path: Path
) -> None:
    """What KerasTuner takes as a result would be none here."""
    study = gallery.studied(end_to_end, returns, workers, tmp_path)
    assert len(study.trials) == 3
    assert study.trials[0].hyperparameters.keys() >= {"scale", "main_components"}
    assert all(0 < (trial.score or 0) < 100 for trial in study.trials)
    assert (tmp_path / returns / "model.keras").exists()


@gallery.workers
def test_function_is_minimized(workers: int, tmp_path: Path) -> None:
    """Only models could be tuned."""
    study = gallery.studied(end_to_end, "black_box", workers, tmp_path)
    assert len(study.trials) == 3
    assert {"x", "y"} <= study.trials[0].hyperparameters.keys()
