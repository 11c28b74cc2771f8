"""Models of scikit-learn."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples import sklearn
from tests.support import gallery

pytestmark = pytest.mark.slow


@gallery.workers
@pytest.mark.parametrize("model", ["boosting", "forest"])
def test_model_without_keras_is_tuned(model: str, workers: int, tmp_path: Path) -> None:
    """Only Keras models could be tuned."""
    study = gallery.studied(sklearn, model, workers, tmp_path)
    assert len(study.trials) == 5
    assert study.best is not None and 0.8 < study.best.score < 1
