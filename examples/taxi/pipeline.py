"""The pipeline: two ExampleGens, whose examples are one input of Tuner and Trainer."""

from __future__ import annotations

from pathlib import Path

from tfx import v1 as tfx
from tfx.types import channel

from examples.penguin import artifacts
from tuner_component import TuneArgs, Tuner

NAME = "taxi"
MONTHS = ("january", "february")
# What the splits are called is anybody's choice; Tuner and Trainer are told.
SPLITS = {"fit": 3, "check": 1, "later": 1}

_MODULE = Path(__file__).resolve().parent / "module.py"


def create_pipeline(
    root: Path, data: Path, workers: int, trials: int = 3
) -> tfx.dsl.Pipeline:
    """Builds the pipeline.

    Args:
        root: Where it writes everything.
        data: The directory that has one with a CSV file for each month.
        workers: How many trials run at the same time; 0 runs them in this process.
        trials: How many there are.
    """
    Split = tfx.proto.SplitConfig.Split
    splits = [Split(name=name, hash_buckets=size) for name, size in SPLITS.items()]
    output = tfx.proto.Output(split_config=tfx.proto.SplitConfig(splits=splits))
    months = [
        tfx.components.CsvExampleGen(
            input_base=str(data / month), output_config=output
        ).with_id(month)
        for month in MONTHS
    ]
    statistics_gen = tfx.components.StatisticsGen(
        examples=months[0].outputs["examples"]
    )
    schema_gen = tfx.components.SchemaGen(
        statistics=statistics_gen.outputs["statistics"], infer_feature_shape=False
    )
    training = {
        "examples": channel.union([month.outputs["examples"] for month in months]),
        "schema": schema_gen.outputs["schema"],
        "module_file": str(_MODULE),
        "train_args": tfx.proto.TrainArgs(splits=["fit"]),
        "eval_args": tfx.proto.EvalArgs(splits=["check"]),
    }
    tuner = Tuner(
        tune_args=TuneArgs(num_parallel_trials=workers) if workers else None,
        custom_config={"trials": trials},
        **training,
    )
    trainer = tfx.components.Trainer(
        hyperparameters=tuner.outputs["best_hyperparameters"], **training
    )
    return tfx.dsl.Pipeline(
        pipeline_name=NAME,
        pipeline_root=str(root / NAME),
        metadata_connection_config=artifacts.connection_config(root),
        components=[*months, statistics_gen, schema_gen, tuner, trainer],
        enable_cache=True,
    )


def run(root: Path, data: Path, workers: int) -> Path:
    """Runs the pipeline, and returns where the model is."""
    tfx.orchestration.LocalDagRunner().run(create_pipeline(root, data, workers))
    uri = artifacts.latest(root, NAME, "Trainer", "model").uri
    return Path(uri, "Format-Serving")
