"""Measures what the executor costs on top of the user's own `tuner.search`.

Goal: at most 2 % or 0.3 s, whichever is more, over calling `tuner_fn` and then
`tuner.search(**fit_kwargs)` directly. TFX's own executor is measured too. All run the
same module on the same tf.Examples in one process, in turn; figures are medians. Also
shown: the time of the check before the first trial, which the others do not have.

    python -m benchmarks.overhead [--quick] [--check]
"""

import argparse
import contextlib
import io
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tfx.components
from tfx.components.trainer import fn_args_utils
from tfx.components.tuner import executor as stock_executor
from tfx.components.util import udf_utils
from tfx.types import standard_artifacts

from benchmarks import executors, harness
from tuner_component import Executor
from tuner_component.search.training import preflight

TESTDATA = Path(tfx.components.__file__).parent / "testdata"

# TFX's own tuner module: three trials of a small Keras model on the penguin data.
MODULE_FILE = TESTDATA / "module_file" / "tuner_module.py"


def inputs() -> executors.Artifacts:
    schema = TESTDATA / "penguin" / "schema"
    return {
        "examples": executors.examples(TESTDATA / "penguin" / "data"),
        "schema": executors.artifact(standard_artifacts.Schema, schema),
    }


def properties(steps: int) -> dict[str, Any]:
    return {
        "module_file": str(MODULE_FILE),
        "train_args": f'{{"num_steps": {steps}}}',
        "eval_args": '{"num_steps": 50}',
    }


def make_tuner(root: Path, steps: int) -> Any:
    fn_args = fn_args_utils.get_common_fn_args(inputs(), properties(steps), str(root))
    return udf_utils.get_fn(properties(steps), "tuner_fn")(fn_args)


def run_directly(root: Path, steps: int) -> None:
    tuner, fit_kwargs = make_tuner(root, steps)
    tuner.search(**fit_kwargs)


def run_stock(root: Path, steps: int) -> None:
    executors.run(stock_executor.Executor, root, inputs(), properties(steps))


def run_ours(root: Path, steps: int) -> None:
    executors.run(Executor, root, inputs(), properties(steps))


def run_check(root: Path, steps: int) -> None:
    assert preflight.check(*make_tuner(root, steps), seed=1) is None


def timed(run: Callable[[Path, int], None], steps: int) -> float:
    random.seed(0)  # KerasTuner's oracles draw their seed from here: equal trials.
    with tempfile.TemporaryDirectory() as root:
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            run(Path(root), steps)
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    harness.add_arguments(parser)
    arguments = parser.parse_args()
    rounds, steps = (2, 200) if arguments.quick else (5, 2000)
    runs = {
        "direct": run_directly,
        "ours": run_ours,
        "stock": run_stock,
        "check": run_check,
    }
    timed(run_directly, 10)  # TensorFlow does some work once only: not to be counted.
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seconds[name].append(timed(run, steps))
    median = {name: statistics.median(values) for name, values in seconds.items()}
    # Paired by round: the machine's drift then affects both sides of a difference.
    added = statistics.median(
        ours - direct
        for ours, direct in zip(seconds["ours"], seconds["direct"], strict=True)
    )
    harness.report(
        arguments,
        {
            "seconds": seconds,
            "median_s": median,
            "added_s": added,
            "added_percent": 100 * added / median["direct"],
            "check_s": median["check"],
        },
        met=added <= max(0.3, 0.02 * median["direct"]),
    )


if __name__ == "__main__":
    main()
