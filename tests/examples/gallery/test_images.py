"""Images from TFRecord and from folders, on two devices, by transfer, from a script."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples import images
from tests.support import gallery

pytestmark = pytest.mark.slow


@gallery.workers
def test_tuner_is_chosen_by_a_flag(workers: int, tmp_path: Path) -> None:
    """A flag would not reach the module, or Hyperband not get its epochs."""
    study = gallery.studied(images, "records", workers, tmp_path)
    assert {t.hyperparameters["tuner/epochs"] for t in study.trials} == {1, 4}
    assert {t.hyperparameters["optimizer"] for t in study.trials} > {"adam"}
    steps = [round(10 * t.hyperparameters["dropout"], 6) for t in study.trials]
    assert all(step == int(step) for step in steps)
    assert study.best is not None and study.best.score > 0.5


@gallery.workers
def test_folder_of_images_is_read_by_keras(workers: int, tmp_path: Path) -> None:
    """What most people have could not be searched on."""
    study = gallery.studied(images, "folder", workers, tmp_path)
    assert len(study.trials) == 3
    assert study.best is not None and study.best.score > 0.5


@gallery.workers
def test_models_are_trained_on_two_devices(workers: int, tmp_path: Path) -> None:
    """A strategy of the tuner would fail where trials run in workers."""
    study = gallery.studied(images, "mirrored", workers, tmp_path)
    assert len(study.trials) == 2
    (best,) = [t.score for t in study.trials if t.trial_id == "0"]
    assert best is not None and best > 0.3


@gallery.workers
def test_second_phase_goes_on_after_the_first(workers: int, tmp_path: Path) -> None:
    """Of two calls of fit only one would be trained, or be counted."""
    study = gallery.studied(images, "transfer", workers, tmp_path)
    for trial in study.trials:
        assert trial.epochs == trial.hyperparameters["frozen_epochs"] + 2
    assert study.best is not None and study.best.score > 0.6


@gallery.workers
def test_best_model_is_saved_and_loaded(workers: int, tmp_path: Path) -> None:
    """A search would end without a model."""
    said = gallery.run(images, "script", workers, tmp_path)
    assert re.search(r"Saved: .*best.keras, with \d+ parameters", said)
    assert (tmp_path / "script" / "best.keras").exists()
