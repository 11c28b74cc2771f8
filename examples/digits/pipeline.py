"""The digits pipeline: a search, its best model, and the first guess to compare with."""

from __future__ import annotations

from pathlib import Path

import tensorflow_model_analysis as tfma
from tfx import v1 as tfx

from examples.digits import data
from examples.penguin import artifacts
from tuner_component import Stopping, TuneArgs, Tuner

NAME = "digits"
MODULE_FILE = Path(__file__).resolve().parent / "digits_module.py"

# The component that trains with the default hyperparameters.
BASELINE = "Baseline"

TUNE_ARGS = TuneArgs(
    num_parallel_trials=2, stopping=Stopping(rule="ASHA", grace_epochs=2)
)


def create_pipeline(root: Path) -> tfx.dsl.Pipeline:
    """Builds the pipeline from the images to the pushed model.

    Args:
        root: Where it writes everything.
    """
    example_gen = tfx.components.ImportExampleGen(
        input_base=str(data.write(root / "data")),
        input_config=tfx.proto.Input(
            splits=[
                tfx.proto.Input.Split(name=name, pattern=f"{name}/*.tfrecord")
                for name in data.SPLITS
            ]
        ),
    )
    training = {
        "examples": example_gen.outputs["examples"],
        "module_file": str(MODULE_FILE),
        "train_args": tfx.proto.TrainArgs(splits=["train"]),
        "eval_args": tfx.proto.EvalArgs(splits=["eval"]),
    }
    tuner = Tuner(tune_args=TUNE_ARGS, **training)
    trainer = tfx.components.Trainer(
        hyperparameters=tuner.outputs["best_hyperparameters"], **training
    )
    baseline = tfx.components.Trainer(**training).with_id(BASELINE)
    evaluator = tfx.components.Evaluator(
        examples=example_gen.outputs["examples"],
        example_splits=["test"],
        model=trainer.outputs["model"],
        baseline_model=baseline.outputs["model"],
        eval_config=_eval_config(),
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
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
        components=[example_gen, tuner, trainer, baseline, evaluator, pusher],
        # Whatever has not changed since the last run is not computed again.
        enable_cache=True,
    )


def _eval_config() -> tfma.EvalConfig:
    """Blesses a model that is right more often than the first guess."""
    better = tfma.MetricThreshold(
        change_threshold=tfma.GenericChangeThreshold(
            direction=tfma.MetricDirection.HIGHER_IS_BETTER, absolute={"value": 1e-6}
        )
    )
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                name=name,
                is_baseline=name == tfma.BASELINE_KEY,
                # A plain SavedModel: TFMA cannot load a Keras 3 model from one.
                model_type="tf_generic",
                signature_name="serving_default",
                prediction_key="probabilities",
                label_key="digit",
            )
            for name in (tfma.CANDIDATE_KEY, tfma.BASELINE_KEY)
        ],
        slicing_specs=[tfma.SlicingSpec()],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[
                    tfma.MetricConfig(class_name="ExampleCount"),
                    tfma.MetricConfig(
                        class_name="SparseCategoricalAccuracy", threshold=better
                    ),
                ]
            )
        ],
    )
