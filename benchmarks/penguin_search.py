"""The example's search for a penguin model, run by the component's executor.

`benchmarks.parallel` runs it in a new process for each way of searching:

    python -m benchmarks.penguin_search prepare DIRECTORY
    python -m benchmarks.penguin_search search DIRECTORY --workers N --trials N
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from tfx import v1 as tfx
from tfx.orchestration import pipeline as tfx_pipeline

from benchmarks import executors
from examples.penguin import pipeline
from tuner_component import Executor, TuneArgs

# Batches per epoch: a trial of at most 8 epochs takes 5 to 15 s.
STEPS = 600


def prepare(root: Path) -> None:
    """Runs the pipeline's nodes before the Tuner."""
    options = tfx_pipeline.RunOptions(to_nodes=["Transform"])
    whole = pipeline.create_pipeline("penguin", root)
    tfx.orchestration.LocalDagRunner().run(whole, run_options=options)


def search(root: Path, workers: int, trials: int) -> dict[str, Any]:
    """Runs the executor once; returns the seconds that it took, and the scores."""
    properties = {
        "tuner_fn": "benchmarks.penguin_tuner.tuner_fn",
        "train_args": f'{{"num_steps": {STEPS}, "splits": ["train"]}}',
        "eval_args": '{"splits": ["eval"]}',
        "custom_config": json.dumps({"trials": trials}),
        "tune_args": json_format.MessageToJson(
            TuneArgs(num_parallel_trials=workers, seed=1)
        ),
    }
    inputs = _inputs(root / "penguin")
    with tempfile.TemporaryDirectory() as scratch:
        began = time.monotonic()
        results = executors.run(Executor, Path(scratch), inputs, properties)
        seconds = time.monotonic() - began
        rows = json.loads((results / "tuner_results.json").read_text())
    return {"seconds": seconds, "scores": [row["score"] for row in rows]}


def _inputs(root: Path) -> executors.Artifacts:
    (data,) = root.glob("Transform/transformed_examples/*")
    (graph,) = root.glob("Transform/transform_graph/*")
    return {
        "examples": executors.examples(data),
        "transform_graph": executors.artifact(
            tfx.types.standard_artifacts.TransformGraph, graph
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["prepare", "search"])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--trials", type=int, default=8)
    arguments = parser.parse_args()
    if arguments.what == "prepare":
        prepare(arguments.directory)
        return
    with contextlib.redirect_stdout(sys.stderr):
        found = search(arguments.directory, arguments.workers, arguments.trials)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
