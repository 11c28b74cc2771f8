"""What tuning the preprocessing gains over tuning the model alone.

    python -m benchmarks.tuned_preprocessing [--quick] [--check] [--seeds 3] [--trials 8]

The search of examples/tuned_preprocessing, with the number of buckets as a hyperparameter,
beside the same search with each of the numbers fixed: with as many trials, on the same
penguins. The best hyperparameters of each search train a model for 20 epochs on the train
split; what counts is its loss on the test split, which no search has seen.

The goal: the median loss over the seeds is at most that of the middle fixed number (what
somebody gets who does not know it), since nobody has to know which number is right.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from tfx import v1 as tfx
from tfx.orchestration import pipeline as tfx_pipeline

from benchmarks import harness
from examples.tuned_preprocessing import module, pipeline
from tuner_component.pipeline import fn_args
from tuner_component.proto import tuner_pb2

_TUNED = "tuned"
_EPOCHS, _LONG = 10, 20


def prepare(root: Path) -> Any:
    """Runs the nodes before the Tuner; returns what its `tuner_fn` would be given."""
    options = tfx_pipeline.RunOptions(to_nodes=["SchemaGen"])
    whole = pipeline.create_pipeline(root)
    tfx.orchestration.LocalDagRunner().run(whole, run_options=options)
    (examples,) = root.glob("*/CsvExampleGen/examples/*")
    (schema,) = root.glob("*/SchemaGen/schema/*/schema.pbtxt")
    given = fn_args.to_fn_args(
        tuner_pb2.TunerFnArgs(
            train_files=[f"{examples}/Split-train/*"],
            # Transform transforms the splits that it knows of.
            eval_files=[f"{examples}/Split-eval/*", f"{examples}/Split-test/*"],
            schema_path=str(schema),
        )
    )
    given.study_workdir = str(root / "shared")
    return given


def search(given: Any, buckets: int | None, seed: int, trials: int) -> float:
    """Searches, trains with what was found, and returns the loss on the test split."""
    recipe = module.BucketModel(given, buckets)
    with tempfile.TemporaryDirectory() as directory:
        tuner = keras_tuner.RandomSearch(
            recipe,
            objective="val_loss",
            max_trials=trials,
            seed=seed,
            directory=directory,
        )
        keras.utils.set_random_seed(seed)
        tuner.search(epochs=_EPOCHS, verbose=0)
        (best,) = tuner.get_best_hyperparameters()
    keras.utils.set_random_seed(seed)
    model = recipe.build(best)
    recipe.fit(best, model, epochs=_LONG, verbose=0)
    _, test = recipe.data(best, "test")
    loss: float = model.evaluate(test, verbose=0)[0]
    return loss


def measure(root: Path, seeds: int, trials: int) -> dict[str, Any]:
    """The losses of all searches, by the number of buckets."""
    given = prepare(root)
    figures: dict[str, Any] = {}
    for buckets in (None, *module.BUCKETS):
        losses = [search(given, buckets, seed + 1, trials) for seed in range(seeds)]
        name = _TUNED if buckets is None else f"{buckets} buckets"
        figures[name] = {"test_loss": statistics.median(losses), "all": losses}
        print(name, figures[name], file=sys.stderr, flush=True)
    return figures


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=8)
    arguments = parser.parse_args()
    seeds, trials = (1, 2) if arguments.quick else (arguments.seeds, arguments.trials)
    with (
        tempfile.TemporaryDirectory() as root,
        contextlib.redirect_stdout(sys.stderr),
    ):
        figures = measure(Path(root), seeds, trials)
    fixed = [figures[f"{number} buckets"]["test_loss"] for number in module.BUCKETS]
    met = figures[_TUNED]["test_loss"] <= statistics.median(fixed)
    figures |= {"seeds": seeds, "trials": trials}
    harness.report(arguments, figures, met)


if __name__ == "__main__":
    main()
