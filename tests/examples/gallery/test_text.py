"""Text whose vocabulary is tuned."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples import text
from tests.support import gallery

pytestmark = pytest.mark.slow


@gallery.workers
def test_size_of_the_vocabulary_is_tuned(workers: int, tmp_path: Path) -> None:
    """What a trial prepares in `fit` would be another trial's."""
    study = gallery.studied(text, "vocabulary", workers, tmp_path)
    assert len(study.trials) == 4
    assert len({trial.hyperparameters["max_tokens"] for trial in study.trials}) > 1
    assert study.best is not None and study.best.score > 0.6
