"""A pipeline that has only a Tuner, for tests that kill its processes.

Its trials train a Keras model on TFX's penguin examples. Each comes to a meeting before it
starts to train.
"""

import os
from pathlib import Path
from typing import Any

from tests.support import fork_servers

TRIALS = 8
# The modules of TFX and this package that are needed to run it.
MODULES = ("tfx.components", "tfx.v1", "tuner_component.component")


def tuner_fn(fn_args: Any) -> Any:
    """Makes the tuner; this file is the user's module."""
    import keras
    import keras_tuner
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx.utils import io_utils
    from tfx_bsl.tfxio import dataset_options

    from tests.support import meeting
    from tuner_component import TunerFnResult

    schema = io_utils.parse_pbtxt_file(fn_args.schema_path, schema_pb2.Schema())
    names = [f.name for f in schema.feature if f.name != "species"]

    def build(hp: keras_tuner.HyperParameters) -> keras.Model:
        inputs = {name: keras.Input((1,), name=name) for name in names}
        x = keras.layers.Concatenate()(list(inputs.values()))
        x = keras.layers.Dense(hp.Int("units", 4, 32), "relu")(x)
        model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(x))
        rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
        return model

    class Tuner(keras_tuner.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            address = fn_args.custom_config["address"]
            meeting.attend(address, pid=os.getpid(), trial=trial.trial_id)
            return super().run_trial(trial, *args, **kwargs)

    def dataset(files: list[str]) -> Any:
        options = dataset_options.TensorFlowDatasetOptions(20, label_key="species")
        return fn_args.data_accessor.tf_dataset_factory(files, options, schema)

    tuner = Tuner(
        build,
        objective="val_loss",
        max_trials=TRIALS,
        seed=7,
        directory=fn_args.working_dir,
    )
    fit_kwargs = {
        "x": dataset(fn_args.train_files),
        "validation_data": dataset(fn_args.eval_files),
        "steps_per_epoch": 10,
        "validation_steps": 2,
        "epochs": 2,
        "verbose": 0,
    }
    return TunerFnResult(tuner=tuner, fit_kwargs=fit_kwargs)


def run_quickly(root: str, address: str, log: str) -> None:
    """Does what `run` does, with a fork server that need not import TFX again."""
    fork_servers.sow()
    run(root, address, log)


def run(root: str, address: str, log: str) -> None:
    """Runs the pipeline, two trials at a time.

    Args:
        root: The pipeline's root directory.
        address: The meeting's address.
        log: The file for everything that this process prints.
    """
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)

    import tfx.components
    from tfx import v1 as tfx_v1

    from tuner_component import TuneArgs, Tuner

    testdata = Path(tfx.components.__file__).parent / "testdata" / "penguin"
    artifacts = tfx_v1.types.standard_artifacts
    examples = tfx_v1.dsl.Importer(
        source_uri=str(testdata / "data"),
        artifact_type=artifacts.Examples,
        properties={"split_names": '["train", "eval"]'},
    ).with_id("examples")
    schema = tfx_v1.dsl.Importer(
        source_uri=str(testdata / "schema"), artifact_type=artifacts.Schema
    ).with_id("schema")
    tuner = Tuner(
        examples=examples.outputs["result"],
        schema=schema.outputs["result"],
        tuner_fn=f"{__name__}.tuner_fn",
        tune_args=TuneArgs(num_parallel_trials=2),
        custom_config={"address": address},
    )
    metadata = tfx_v1.orchestration.metadata.sqlite_metadata_connection_config(
        f"{root}/metadata.sqlite"
    )
    tfx_v1.orchestration.LocalDagRunner().run(
        tfx_v1.dsl.Pipeline(
            "crashing",
            root,
            metadata_connection_config=metadata,
            components=[examples, schema, tuner],
        )
    )
