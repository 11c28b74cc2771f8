"""The model of the best trial as the component's artifact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from tests.conftest import TOY_MODULE, Run
from tuner_component import load_tuner_results
from tuner_component.search.errors import NoModelError

MODULE = """
    import keras
    import keras_tuner
    import numpy as np
    from tuner_component import TunerFnResult

    X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    Y = X.sum(axis=1, keepdims=True)


    def build(hp):
        model = keras.Sequential([
            keras.layers.Dense(hp.Int("units", 2, 6), activation="relu"),
            keras.layers.Dropout(0.1),
            keras.layers.Dense(1),
        ])
        rate = hp.Float("rate", 1e-4, 1e-1, sampling="log")
        model.compile(keras.optimizers.Adam(rate), "mse")
        return model


    def tuner_fn(fn_args):
        tuner = TUNER
        data = {"x": X, "y": Y, "validation_data": (X, Y), "epochs": 2, "verbose": 0}
        return TunerFnResult(tuner=tuner, fit_kwargs=data)
"""
RANDOM = """keras_tuner.RandomSearch(
            build, "val_loss", max_trials=3, seed=1, directory=fn_args.working_dir)"""
HYPERBAND = """keras_tuner.Hyperband(
            build, "val_loss", max_epochs=4, factor=2, seed=1,
            directory=fn_args.working_dir)"""
X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def with_model(run: Run, tuner: str = RANDOM, **tune_args: Any) -> Run:
    """An execution that is to give the model as well."""
    run.module(MODULE.replace("TUNER", tuner))
    run.exec_properties["tune_args"] = json.dumps(tune_args)
    return wanted(run)


def wanted(run: Run) -> Run:
    artifact = standard_artifacts.Model()
    artifact.uri = str(run.root / "best_model")
    run.output_dict["best_model"] = [artifact]
    return run


def served(run: Run) -> Path:
    """What TFX hands to a Trainer as its base model, and pushes."""
    (artifact,) = run.output_dict["best_model"]
    return Path(path_utils.serving_model_path(artifact.uri))


def assert_is_that_of_the_best_trial(run: Run) -> None:
    best = load_tuner_results(run.tuner_results_dir)[0]
    model = keras.models.load_model(served(run) / "model.keras")
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(best.score, rel=1e-4)
    assert model.layers[0].units == best.hyperparameters["units"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tuner", "tune_args"),
    [
        (RANDOM, {}),
        (RANDOM, {"num_parallel_trials": 2}),
        (RANDOM, {"search": "auto"}),
        (HYPERBAND, {"num_parallel_trials": 2}),
        (HYPERBAND, {"search": "qmc"}),
    ],
)
def test_model_is_that_of_the_best_trial(
    run: Run, tuner: str, tune_args: dict[str, Any]
) -> None:
    """Another model than the one that won would be pushed."""
    with_model(run, tuner, **tune_args)()
    assert_is_that_of_the_best_trial(run)
    assert not list(run.root.rglob("scratch"))


@pytest.mark.slow
def test_finished_search_gives_its_model_later(run: Run) -> None:
    """Who asks for the model after the search would search again."""
    run.module(MODULE.replace("TUNER", RANDOM))()
    before = load_tuner_results(run.tuner_results_dir)
    wanted(run)()
    assert load_tuner_results(run.tuner_results_dir) == before
    assert_is_that_of_the_best_trial(run)
    (artifact,) = run.output_dict["best_model"]
    assert artifact.get_custom_property("best_trial") == before[0].trial_id
    assert len(list(run.root.glob("**/studies/*"))) == 1


@pytest.mark.slow
def test_model_is_served_as_it_is(run: Run) -> None:
    """A Pusher would push what no server loads."""
    import tensorflow as tf

    with_model(run)()
    answer = tf.saved_model.load(str(served(run))).signatures["serving_default"]
    (outputs,) = answer(tf.constant(X)).values()
    model = keras.models.load_model(served(run) / "model.keras")
    np.testing.assert_allclose(outputs, model.predict(X, verbose=0), rtol=1e-4)


def test_without_a_model_all_else_is_written(run: Run) -> None:
    """A model that cannot be made would cost the result of a search."""
    wanted(run.module(TOY_MODULE))
    source = Path(run.exec_properties["module_file"])
    text = source.read_text().replace(
        "tuner = Toy(oracle,", "tuner = Toy(oracle, print,"
    )
    source.write_text(text)
    with pytest.raises(NoModelError, match="which left no weights at") as raised:
        run()
    assert "without best_model=True" in str(raised.value)
    assert len(load_tuner_results(run.tuner_results_dir)) == 5
    assert not served(run).exists()


@pytest.mark.parametrize("tune_args", [{}, {"num_parallel_trials": 1}])
def test_tuner_that_can_give_none_is_refused_before_the_first_trial(
    run: Run, tune_args: dict[str, Any]
) -> None:
    """People would learn in the morning that there is no model."""
    wanted(run.module(TOY_MODULE))
    run.exec_properties["tune_args"] = json.dumps(tune_args)
    with pytest.raises(
        TypeError, match=r"best_model is wanted. Received: Toy, which has"
    ):
        run()
    assert not run.tuner_results_dir.exists()
    assert not list(run.root.rglob("trial_*"))
