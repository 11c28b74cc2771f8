"""Keras on JAX trains a model with several processes, through `build` and `fit`.

Run where Keras has that backend: see `tests/search/test_without_tensorflow.py`.
"""

from __future__ import annotations

import os
import types
from pathlib import Path
from typing import Any

import pytest

from tests.support import processes, scripts
from tests.support.ray_cluster import RayCluster
from tuner_component.search import events
from tuner_component.search.options import Cluster, SearchOptions
from tuner_component.search.parallel.protocol import EntryPoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.on_demand,
    pytest.mark.skipif(
        os.environ.get("KERAS_BACKEND") != "jax", reason="needs Keras on JAX"
    ),
]


def make(argument: bytes, role: str) -> Any:
    """The entry point of a search whose models are trained by all processes."""
    import keras
    import keras_tuner
    import numpy as np

    directory, _, what = argument.decode().partition("|")
    if "JAX_COORDINATOR_ADDRESS" in os.environ and what != "forget":
        keras.distribution.initialize()

    class Note(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_end(self, logs: Any = None) -> None:
            rank = os.environ["JAX_PROCESS_ID"]
            np.save(Path(directory, f"weights-{rank}"), self.model.get_weights()[0])

    def build(hp: Any) -> Any:
        hp.Float("x", 0.0, 1.0)
        # Not before: KerasTuner clears Keras' session for each model.
        if what != "apart":
            keras.distribution.set_distribution(
                keras.distribution.DataParallel(auto_shard_dataset=False)
            )
        model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    x = np.arange(32, dtype="float32").reshape(16, 2) / 32
    x = x[int(os.environ.get("JAX_PROCESS_ID", "0")) :: 2]  # Its part of the data.
    y = x.sum(1, keepdims=True)
    tuner = keras_tuner.RandomSearch(
        build, "val_loss", max_trials=2, directory=directory, project_name="p"
    )
    fit = {"x": x, "y": y, "validation_data": (x, y), "epochs": 2, "batch_size": 4}
    return types.SimpleNamespace(
        tuner=tuner, fit_kwargs={**fit, "verbose": 0, "callbacks": [Note()]}
    )


def _start(
    executors: processes.Executors, cluster: RayCluster, directory: Path, what: str
) -> processes.Executor:
    entry = EntryPoint(f"{__name__}:make", f"{directory}|{what}".encode())
    options = SearchOptions(
        num_workers=1,
        seed=7,
        cpus_per_trial=2,
        cluster=Cluster(cluster.address, workers_per_trial=2),
    )
    study = str(directory / "study")
    return executors.start(scripts.observed_search, entry, study, options)


def test_models_are_trained_together(
    executors: processes.Executors, cluster: RayCluster, tmp_path: Path
) -> None:
    """The processes would have models that differ, or wait for each other for ever."""
    import numpy as np

    result, told = _start(executors, cluster, tmp_path, "").result()
    assert len(scripts.scores(result)) == 2
    assert not [e for e in told if isinstance(e, events.AttemptLost)]
    first, second = (np.load(tmp_path / f"weights-{rank}.npy") for rank in (0, 1))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("what", "expected"),
    [("forget", "JAX that knows of one process"), ("apart", "no distribution")],
)
def test_models_that_are_not_are_refused(
    executors: processes.Executors,
    cluster: RayCluster,
    tmp_path: Path,
    what: str,
    expected: str,
) -> None:
    """Each process would train the whole model by itself, and nobody would notice."""
    with pytest.raises(Exception, match=f"(?s)all 2 processes.*{expected}"):
        _start(executors, cluster, tmp_path, what).result()
