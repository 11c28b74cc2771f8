"""Raw examples, several artifacts, splits of other names."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from examples import taxi
from examples.penguin import artifacts
from examples.taxi import pipeline
from tests.support import gallery
from tuner_component import load_tuner_results

pytestmark = [pytest.mark.slow, pytest.mark.on_demand]


@gallery.workers
def test_fares_are_learned_from_both_months(workers: int, tmp_path: Path) -> None:
    """Only one artifact, or splits named train and eval, could be tuned on."""
    gallery.run(taxi, "pipeline", workers, tmp_path)
    root = tmp_path / "pipeline"

    def uri(component: str, output: str) -> str:
        return str(artifacts.latest(root, pipeline.NAME, component, output).uri)

    results = load_tuner_results(uri("Tuner", "tuner_results"))
    assert len(results) == 3
    assert results[0].score < 6  # Fares are 12 on average.
    model = tf.saved_model.load(f"{uri('Trainer', 'model')}/Format-Serving")
    near, far = (
        float(
            model.serve(
                {
                    "trip_miles": tf.constant([[miles]]),
                    "trip_start_hour": tf.constant([[12.0]]),
                    "company": tf.constant([[2]], tf.int64),
                }
            )[0, 0]
        )
        for miles in (1.0, 10.0)
    )
    assert far > near + 5
