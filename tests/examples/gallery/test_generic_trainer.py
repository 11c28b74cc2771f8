"""The generic Trainer trains what the Tuner found, in all its ways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tensorflow as tf

from examples import generic_trainer
from examples.generic_trainer import module, pipeline
from examples.penguin import artifacts
from tests.support import gallery
from tuner_component import load_best_hyperparameters, load_tuner_results

pytestmark = [pytest.mark.slow, pytest.mark.on_demand]


@gallery.workers
def test_each_trainer_trains_the_best_model(workers: int, tmp_path: Path) -> None:
    """A `run_fn` could not read what was found; or a warm start begin from nothing."""
    gallery.run(generic_trainer, "pipeline", workers, tmp_path)
    root = tmp_path / "pipeline"

    def uri(component: str, output: str) -> str:
        return str(artifacts.latest(root, pipeline.NAME, component, output).uri)

    assert len(load_tuner_results(uri("Tuner", "tuner_results"))) == 3
    best = load_best_hyperparameters(uri("Tuner", "best_hyperparameters"))
    losses = {}
    for how in (*pipeline.HOWS, pipeline.WARM):
        served = Path(uri(how, "model"), "Format-Serving")
        losses[how] = json.loads((served / module.LOSSES_FILE).read_text())
        variables = tf.train.list_variables(str(served / "variables" / "variables"))
        shapes = [shape for _, shape in variables]
        assert [best.get("units"), module.CLASSES] in shapes
    for loss in losses.values():
        assert loss["after"] < loss["before"]
    assert losses[pipeline.WARM]["before"] == pytest.approx(losses["fit"]["after"])
