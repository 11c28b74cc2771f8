"""KerasTuner's ready-made models, in spaces that are cut down."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples import applications
from tests.support import gallery

pytestmark = [pytest.mark.slow, pytest.mark.on_demand]


@gallery.workers
def test_only_what_is_listed_is_searched(workers: int, tmp_path: Path) -> None:
    """A deep network would be trained that was ruled out."""
    study = gallery.studied(applications, "resnet", workers, tmp_path)
    assert len(study.trials) == 2
    for trial in study.trials:
        values = trial.hyperparameters
        assert (values["conv4_depth"], values["version"]) == (1, "v1")
        # Of the model's own choice of optimizers, which is not listed, the default.
        assert values["optimizer"] == "adam"
        assert values["learning_rate"] in (0.01, 0.001)


@gallery.workers
def test_model_is_compiled_otherwise(workers: int, tmp_path: Path) -> None:
    """The loss of the trial would be the model's own, or be of one training."""
    study = gallery.studied(applications, "xception", workers, tmp_path)
    assert len(study.trials) == 2
    for trial in study.trials:
        assert trial.hyperparameters["num_residual_blocks"] == 2
        assert "val_mean_squared_error" in trial.metrics
        assert len(trial.executions) == 2
