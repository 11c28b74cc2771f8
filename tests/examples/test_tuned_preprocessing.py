"""The pipeline whose search reaches the preprocessing, to the pushed model."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tfx import v1 as tfx

from examples.penguin import artifacts
from examples.tuned_preprocessing import pipeline
from tests.support import beam, crashes, fork_servers
from tuner_component import load_best_hyperparameters, load_tuner_results

pytestmark = pytest.mark.slow

TRIALS = 2


def _run(root: Path) -> None:
    logging.disable()  # Thousands of lines of TFX's.
    beam.quicken()
    fork_servers.sow()
    tfx.orchestration.LocalDagRunner().run(pipeline.create_pipeline(root, TRIALS))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pipeline")
    assert crashes.run(lambda: _run(directory))
    return directory


def uri(root: Path, component: str, output: str) -> str:
    return str(artifacts.latest(root, pipeline.NAME, component, output).uri)


def test_each_trial_trains_on_its_own_features(root: Path) -> None:
    """All would train on the same buckets, and the best number be one by chance."""
    results = load_tuner_results(uri(root, "Tuner", "tuner_results"))
    assert len(results) == TRIALS
    tried = {result.hyperparameters["buckets"] for result in results}
    graphs = list(root.glob("**/studies/*/workdir/transforms/*/*/graph"))
    found = set()
    for graph in graphs:
        domain = tft.TFTransformOutput(str(graph)).transformed_domains()
        found.add(int(domain["bill_length_mm"].max) + 1)
    assert tried <= found  # The check before the first trial trains the default.
    assert len(graphs) == len(found)


def test_trainer_exports_the_best_of_both(root: Path) -> None:
    """The model would be served with other features than it was trained with."""
    best = load_best_hyperparameters(uri(root, "Tuner", "best_hyperparameters"))
    served = f"{uri(root, 'Trainer', 'model')}/Format-Serving"
    model = tf.saved_model.load(served)
    example = tf.train.Example()
    for name, value in {
        "bill_length_mm": "46.1",
        "bill_depth_mm": "13.2",
        "flipper_length_mm": "211",
        "body_mass_g": "4500",
    }.items():
        example.features.feature[name].bytes_list.value.append(value.encode())
    answer = model.signatures["serving_default"](
        examples=tf.constant([example.SerializeToString()])
    )
    assert answer["species"].numpy() == [b"Gentoo"]
    shapes = [
        shape for _, shape in tf.train.list_variables(f"{served}/variables/variables")
    ]
    assert [4 * best.get("buckets"), best.get("units")] in shapes
