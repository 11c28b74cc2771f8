"""A pipeline that goes on with the model of a Tuner: a Trainer trains it, a Pusher pushes it."""

import os
from pathlib import Path
from typing import Any


def tuner_fn(fn_args: Any) -> Any:
    """Makes the tuner; this file is the user's module."""
    import keras
    import keras_tuner

    from tuner_component import TunerFnResult

    def build(hp: keras_tuner.HyperParameters) -> keras.Model:
        hidden = keras.layers.Dense(hp.Int("units", 4, 32), "relu")
        model = keras.Sequential([keras.Input((2,)), hidden, keras.layers.Dense(1)])
        model.compile("adam", "mse")
        return model

    x, y = _data()
    tuner = keras_tuner.RandomSearch(
        build, "val_loss", max_trials=2, seed=7, directory=fn_args.working_dir
    )
    data = {"x": x, "y": y, "validation_data": (x, y), "epochs": 2, "verbose": 0}
    return TunerFnResult(tuner=tuner, fit_kwargs=data)


def run_fn(fn_args: Any) -> None:
    """Trains the model on; writes down the loss that it comes with."""
    import keras

    x, y = _data()
    model = keras.models.load_model(os.path.join(fn_args.base_model, "model.keras"))
    loss = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=1, verbose=0)
    model.export(fn_args.serving_model_dir, verbose=False)
    Path(fn_args.serving_model_dir, "loss_before.txt").write_text(str(loss))


def _data() -> Any:
    import numpy as np

    x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


def run(root: str) -> None:
    """Runs the pipeline.

    Args:
        root: The pipeline's root directory; the model is pushed to `pushed` in it.
    """
    import tfx.components
    from tfx import v1 as tfx_v1

    from tuner_component import TuneArgs, Tuner

    testdata = Path(tfx.components.__file__).parent / "testdata" / "penguin"
    examples = tfx_v1.dsl.Importer(
        source_uri=str(testdata / "data"),
        artifact_type=tfx_v1.types.standard_artifacts.Examples,
        properties={"split_names": '["train", "eval"]'},
    ).with_id("examples")
    tuner = Tuner(
        examples=examples.outputs["result"],
        tuner_fn=f"{__name__}.tuner_fn",
        tune_args=TuneArgs(num_parallel_trials=1),
        best_model=True,
    )
    trainer = tfx_v1.components.Trainer(
        examples=examples.outputs["result"],
        base_model=tuner.outputs["best_model"],
        run_fn=f"{__name__}.run_fn",
    )
    destination = tfx_v1.proto.PushDestination.Filesystem(
        base_directory=f"{root}/pushed"
    )
    pusher = tfx_v1.components.Pusher(
        model=tuner.outputs["best_model"],
        push_destination=tfx_v1.proto.PushDestination(filesystem=destination),
    )
    metadata = tfx_v1.orchestration.metadata.sqlite_metadata_connection_config(
        f"{root}/metadata.sqlite"
    )
    tfx_v1.orchestration.LocalDagRunner().run(
        tfx_v1.dsl.Pipeline(
            "model",
            root,
            metadata_connection_config=metadata,
            components=[examples, tuner, trainer, pusher],
        )
    )
