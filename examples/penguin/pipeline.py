"""The penguin pipeline, with a Tuner or with hyperparameters from a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TextIO

import tensorflow_model_analysis as tfma
from tfx import v1 as tfx
from tfx.dsl.components.base.base_node import BaseNode
from tfx.v1.dsl.experimental import RuntimeParameter

from examples.penguin import artifacts, console, penguin_module
from tuner_component import TuneArgs, Tuner

DATA = Path(__file__).resolve().parent / "data"
MODULE_FILE = Path(__file__).resolve().parent / "penguin_module.py"

# Trainer and Tuner train on the first and validate on the second. Only the Evaluator uses
# the third: a search also fits the data on which its trials are compared.
SPLITS = {"train": 3, "eval": 1, "test": 1}

# Trials at the same time, each in its own process.
PARALLEL_TRIALS = 2

# A model with a lower accuracy is not pushed. 44 % of the penguins are Adelie.
MIN_ACCURACY = 0.9


def create_pipeline(
    name: str, root: Path, hyperparameters: str | None = None
) -> tfx.dsl.Pipeline:
    """Builds the pipeline from the CSV file to the pushed model.

    Args:
        name: The name of the pipeline in the metadata store, and of its directory.
        root: Where the pipelines write everything.
        hyperparameters: The directory of a `best_hyperparameters.txt` to train with;
            if None, a Tuner searches for the best ones.
    """
    return tfx.dsl.Pipeline(
        pipeline_name=name,
        pipeline_root=str(root / name),
        metadata_connection_config=artifacts.connection_config(root),
        components=create_components(
            str(DATA),
            str(root / "serving"),
            tune_args=TuneArgs(num_parallel_trials=PARALLEL_TRIALS),
            hyperparameters=hyperparameters,
        ),
        # Whatever has not changed since the last run is not computed again.
        enable_cache=True,
    )


def create_components(
    data: str | RuntimeParameter,
    serving: str,
    *,
    tune_args: TuneArgs | RuntimeParameter,
    hyperparameters: str | RuntimeParameter | None,
) -> list[BaseNode]:
    """Connects the components, for this machine or a cluster.

    Args:
        data: The directory of the CSV file, a path or URI.
        serving: The directory to push models to, a path or URI.
        tune_args: How the Tuner searches, if there is one.
        hyperparameters: The directory of a `best_hyperparameters.txt` to train with,
            a path or URI; if None, there is a Tuner.
    """
    csv_examples = example_gen(data)
    examples = csv_examples.outputs["examples"]
    statistics_gen = tfx.components.StatisticsGen(examples=examples)
    schema_gen = tfx.components.SchemaGen(
        statistics=statistics_gen.outputs["statistics"],
        # A client of the model may leave out missing values.
        infer_feature_shape=False,
    )
    schema = schema_gen.outputs["schema"]
    transform = tfx.components.Transform(
        examples=examples,
        schema=schema,
        module_file=str(MODULE_FILE),
        disable_statistics=True,  # StatisticsGen computes them.
    )
    training = {
        "examples": transform.outputs["transformed_examples"],
        "transform_graph": transform.outputs["transform_graph"],
        "module_file": str(MODULE_FILE),
        # An epoch is 20 batches, and validation (no num_steps) one pass over its split.
        "train_args": tfx.proto.TrainArgs(splits=["train"], num_steps=20),
        "eval_args": tfx.proto.EvalArgs(splits=["eval"]),
    }
    if hyperparameters is None:
        source = Tuner(tune_args=tune_args, **training)
        best_hyperparameters = source.outputs["best_hyperparameters"]
    else:
        source = tfx.dsl.Importer(
            source_uri=hyperparameters,
            artifact_type=tfx.types.standard_artifacts.HyperParameters,
        ).with_id("Importer")
        best_hyperparameters = source.outputs["result"]
    trainer = tfx.components.Trainer(hyperparameters=best_hyperparameters, **training)
    evaluator = tfx.components.Evaluator(
        examples=examples,
        example_splits=["test"],
        model=trainer.outputs["model"],
        eval_config=_eval_config(),
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=serving)
        ),
    )
    return [
        csv_examples,
        statistics_gen,
        schema_gen,
        transform,
        source,
        trainer,
        evaluator,
        pusher,
    ]


def example_gen(data: str | RuntimeParameter) -> BaseNode:
    """Reads the CSV file of a directory, and splits its rows."""
    return tfx.components.CsvExampleGen(
        input_base=data, input_config=_input_config(), output_config=_splits()
    )


def run(pipeline: tfx.dsl.Pipeline, terminal: TextIO) -> None:
    """Runs the pipeline in this process, and shows its progress."""
    start = time.monotonic()
    with console.Progress(terminal, len(pipeline.components)).shown():
        tfx.orchestration.LocalDagRunner().run(pipeline)
    print(f"  together          {time.monotonic() - start:6.1f} s", file=terminal)


def _input_config() -> tfx.proto.Input:
    csv_files = tfx.proto.Input.Split(name="all", pattern="*.csv")
    return tfx.proto.Input(splits=[csv_files])


def _splits() -> tfx.proto.Output:
    """Splits the rows by their hash: a row always gets into the same split."""
    Split = tfx.proto.SplitConfig.Split
    splits = [Split(name=name, hash_buckets=size) for name, size in SPLITS.items()]
    return tfx.proto.Output(split_config=tfx.proto.SplitConfig(splits=splits))


def _eval_config() -> tfma.EvalConfig:
    """Requires an accuracy of MIN_ACCURACY, measured on serialized raw rows."""
    enough = tfma.MetricThreshold(
        value_threshold=tfma.GenericValueThreshold(lower_bound={"value": MIN_ACCURACY})
    )
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                # A plain SavedModel: TFMA cannot load a Keras 3 model from one.
                model_type="tf_generic",
                signature_name="serving_default",
                prediction_key="probabilities",
                # The label is text in the raw rows; Transform numbers the species.
                preprocessing_function_names=["transform_features"],
                label_key=penguin_module.transformed_name(penguin_module.LABEL),
            )
        ],
        slicing_specs=[tfma.SlicingSpec()],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[
                    tfma.MetricConfig(class_name="ExampleCount"),
                    tfma.MetricConfig(
                        class_name="SparseCategoricalAccuracy", threshold=enough
                    ),
                ]
            )
        ],
    )
