"""The output best_model in a pipeline: TFX's own components go on with it."""

from pathlib import Path

import pytest

from tests.support import crashes, model_pipeline
from tuner_component import load_tuner_results

pytestmark = pytest.mark.slow


def test_trainer_and_pusher_take_the_model_as_it_is(tmp_path: Path) -> None:
    """The artifact would have a layout that no other component reads."""
    root = tmp_path / "pipeline"
    root.mkdir()
    assert crashes.run(lambda: model_pipeline.run(str(root)))
    (results,) = root.glob("Tuner/tuner_results/*")
    (loss,) = root.glob("Trainer/model/*/Format-Serving/loss_before.txt")
    score = load_tuner_results(results)[0].score
    assert float(loss.read_text()) == pytest.approx(score, rel=1e-4)
    (pushed,) = (root / "pushed").iterdir()
    assert {"saved_model.pb", "model.keras"} <= {p.name for p in pushed.iterdir()}
