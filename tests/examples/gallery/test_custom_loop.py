"""Training loops of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples import custom_loop
from tests.support import gallery

pytestmark = pytest.mark.slow


@gallery.workers
def test_loop_reports_its_epochs_and_is_stopped(workers: int, tmp_path: Path) -> None:
    """Loops of people's own would be trained to their end; absl's flags be unknown."""
    study = gallery.studied(custom_loop, "loop", workers, tmp_path)
    assert len(study.trials) == 5
    epochs = [trial.epochs for trial in study.trials]
    assert max(epochs) == 6
    assert min(epochs) < 6


@gallery.workers
def test_model_of_keras_2_is_trained(workers: int, tmp_path: Path) -> None:
    """Who still has such models could not tune them."""
    study = gallery.studied(custom_loop, "legacy", workers, tmp_path)
    assert [trial.epochs for trial in study.trials] == [4] * 3
    weights = (tmp_path / "legacy" / "search").rglob("weights.h5")
    assert len(list(weights)) == 3


@gallery.workers
def test_both_networks_learn(workers: int, tmp_path: Path) -> None:
    """A model with optimizers of its own would not be saved, or not be scored."""
    study = gallery.studied(custom_loop, "gan", workers, tmp_path)
    assert len(study.trials) == 3
    assert all(0 < (trial.score or 0) < 10 for trial in study.trials)
