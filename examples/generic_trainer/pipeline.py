"""One Tuner, and Trainers that train what it found in different ways."""

from __future__ import annotations

from pathlib import Path

from tfx import v1 as tfx
from tfx.components.trainer.executor import GenericExecutor
from tfx.dsl.components.base import executor_spec

from examples.penguin import artifacts
from tuner_component import TuneArgs, Tuner

NAME = "generic_trainer"
HOWS = ("fit", "loop", "mirrored", "processes")
# It trains on from what the first one made.
WARM = "warm"

_MODULE = Path(__file__).resolve().parent / "module.py"


def create_pipeline(root: Path, data: Path, workers: int) -> tfx.dsl.Pipeline:
    """Builds the pipeline.

    Args:
        root: Where it writes everything.
        data: The directory of the CSV file.
        workers: How many trials run at the same time; 0 runs them in this process.
    """
    example_gen = tfx.components.CsvExampleGen(input_base=str(data))
    common = {
        "examples": example_gen.outputs["examples"],
        "module_file": str(_MODULE),
        "train_args": tfx.proto.TrainArgs(splits=["train"]),
        "eval_args": tfx.proto.EvalArgs(splits=["eval"]),
    }
    tuner = Tuner(
        tune_args=TuneArgs(num_parallel_trials=workers) if workers else None,
        custom_config={"trials": 3},
        **common,
    )
    best = tuner.outputs["best_hyperparameters"]
    trainers = [
        tfx.components.Trainer(
            hyperparameters=best,
            custom_config={"how": how},
            # The default today; pipelines of TFX's early releases say it.
            custom_executor_spec=executor_spec.ExecutorClassSpec(GenericExecutor),
            **common,
        ).with_id(how)
        for how in HOWS
    ]
    warm = tfx.components.Trainer(
        hyperparameters=best,
        base_model=trainers[0].outputs["model"],
        custom_config={"how": "fit"},
        **common,
    ).with_id(WARM)
    return tfx.dsl.Pipeline(
        pipeline_name=NAME,
        pipeline_root=str(root / NAME),
        metadata_connection_config=artifacts.connection_config(root),
        components=[example_gen, tuner, *trainers, warm],
        enable_cache=True,
    )


def run(root: Path, data: Path, workers: int) -> dict[str, Path]:
    """Runs the pipeline, and returns where the models are, by the Trainer's id."""
    tfx.orchestration.LocalDagRunner().run(create_pipeline(root, data, workers))
    uris = {
        how: artifacts.latest(root, NAME, how, "model").uri for how in (*HOWS, WARM)
    }
    return {how: Path(uri, "Format-Serving") for how, uri in uris.items()}
