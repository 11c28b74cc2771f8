"""Tunes preprocessing and model together, trains the best of them and pushes it.

python -m examples.tuned_preprocessing.pipeline --help
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):  # Run as a file, not with -m.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples.penguin import console

if TYPE_CHECKING:
    from tfx import v1 as tfx

NAME = "tuned_preprocessing"

_MODULE = Path(__file__).resolve().parent / "module.py"


def create_pipeline(root: Path, trials: int = 12) -> tfx.dsl.Pipeline:
    """Builds the pipeline from the CSV file to the pushed model.

    There is no Transform between the schema and the Tuner: see `module`.

    Args:
        root: Where the pipeline writes everything.
        trials: How many the search has.
    """
    from tfx import v1 as tfx

    from examples.penguin import artifacts, pipeline
    from tuner_component import TuneArgs, Tuner

    example_gen = pipeline.example_gen(str(pipeline.DATA))
    statistics_gen = tfx.components.StatisticsGen(
        examples=example_gen.outputs["examples"]
    )
    schema_gen = tfx.components.SchemaGen(
        statistics=statistics_gen.outputs["statistics"], infer_feature_shape=False
    )
    training = {
        "examples": example_gen.outputs["examples"],
        "schema": schema_gen.outputs["schema"],
        "module_file": str(_MODULE),
        "train_args": tfx.proto.TrainArgs(splits=["train"]),
        "eval_args": tfx.proto.EvalArgs(splits=["eval"]),
    }
    tuner = Tuner(
        tune_args=TuneArgs(num_parallel_trials=2),
        custom_config={"trials": trials},
        **training,
    )
    trainer = tfx.components.Trainer(
        hyperparameters=tuner.outputs["best_hyperparameters"], **training
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(
                base_directory=str(root / "serving")
            )
        ),
    )
    return tfx.dsl.Pipeline(
        pipeline_name=NAME,
        pipeline_root=str(root / NAME),
        metadata_connection_config=artifacts.connection_config(root),
        components=[example_gen, statistics_gen, schema_gen, tuner, trainer, pusher],
        enable_cache=True,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the pipeline and shows its results; returns the exit status."""
    parser = console.argument_parser(
        "Tunes the number of buckets of each measurement together with a model on the "
        "Palmer penguins, trains the best of them and pushes it.",
        root="runs/tuned_preprocessing",
    )
    root = parser.parse_args(argv).root.resolve()
    log = root / f"{NAME}.log"
    with console.output_to(log) as terminal:
        print(f"Tuning and training under {root}\nLog: {log}", file=terminal)
        # TFX takes 20 s to import, so this comes after the arguments are checked.
        from examples.penguin import pipeline, summary

        pipeline.run(create_pipeline(root), terminal)
        results = summary.Summary(root, NAME, terminal)
        results.trials()
        results.places(log)
    return 0


if __name__ == "__main__":
    sys.exit(main())
