"""`tuner-component tune`: a search without a pipeline, by the same executor."""

import argparse
import json
import logging
import os
import sys
import warnings
from typing import Any

from google.protobuf import descriptor

from tuner_component.proto import tuner_pb2

_HELP = {
    "num_parallel_trials": "trials at a time, each in a worker process (default 1); 0 "
    "runs them in this process, for a debugger",
    "cpus_per_trial": "CPU threads of each worker (default: the machine's, divided)",
    "gpus_per_trial": "GPUs of each worker, or a fraction (default: all, divided)",
    "max_retries": "how often a trial is repeated whose worker died (default 2)",
    "trial_timeout_seconds": "longer trials are killed and repeated (default: no limit)",
    "time_budget_seconds": "then no further trial begins (default: no limit)",
    "max_failed_trials": "the search fails when more have failed (default: any number, "
    "short of 10 in a row)",
    "study_dir": "below which directory studies are kept (default: OUT/studies)",
    "seed": "makes the search reproducible (default: drawn)",
    "max_trials_per_worker": "a worker is replaced after so many (default: never)",
    "stopping": 'ends hopeless trials early, such as {"rule": "MEDIAN"}; see '
    "docs/searches.md (default: none)",
    "skip_preflight": "do without the check of the module before the first trial",
}
_NUMBERS: dict[int, type] = {
    descriptor.FieldDescriptor.CPPTYPE_INT32: int,
    descriptor.FieldDescriptor.CPPTYPE_INT64: int,
    descriptor.FieldDescriptor.CPPTYPE_UINT32: int,
    descriptor.FieldDescriptor.CPPTYPE_UINT64: int,
    descriptor.FieldDescriptor.CPPTYPE_DOUBLE: float,
    descriptor.FieldDescriptor.CPPTYPE_FLOAT: float,
}

_DESCRIPTION = """Runs the search that a module's tuner_fn describes, on files.

Called again with the same data, module and seed, it goes on where it was stopped.
OUT gets:
  best_hyperparameters/  best_hyperparameters.txt, as an importer node takes it
  results/               tuner_results.json, study.json and report.html
  studies/               the search itself, with the logs of trials, and TensorBoard's
                         files: tensorboard --logdir OUT/studies
"""


def add_to(commands: Any) -> None:
    """Adds the command to a parser's."""
    parser = commands.add_parser(
        "tune",
        help="run a search on TFRecord or CSV files",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "module",
        metavar="MODULE",
        help="a Python file that defines tuner_fn, or package.module.function",
    )
    add = parser.add_argument_group("data").add_argument
    add(
        "--train",
        nargs="+",
        required=True,
        metavar="FILE",
        help="TFRecord files of tf.Examples, or .csv files with a header",
    )
    add(
        "--eval",
        nargs="+",
        default=[],
        metavar="FILE",
        help="likewise; of CSV files, a third of the rows of --train by default",
    )
    add("--schema", metavar="PATH", help="a schema.pbtxt; inferred from CSV files")
    add("--transform-graph", metavar="DIR", help="what Transform wrote")
    add("--base-model", metavar="DIR", help="a model to start from")
    add = parser.add_argument_group("training").add_argument
    add("--train-steps", type=int, default=0, metavar="N", help="fn_args.train_steps")
    add("--eval-steps", type=int, default=0, metavar="N", help="fn_args.eval_steps")
    add("--custom-config", metavar="JSON", help="fn_args.custom_config, a dictionary")
    parser.add_argument("--out", required=True, metavar="OUT", help="output directory")
    _add_tune_args(parser.add_argument_group("search (TuneArgs)"))


def _add_tune_args(group: Any) -> None:
    for field in tuner_pb2.TuneArgs.DESCRIPTOR.fields:
        flag, text = f"--{field.name.replace('_', '-')}", _HELP.get(field.name)
        kind = field.cpp_type
        if kind == field.CPPTYPE_BOOL:
            group.add_argument(flag, action="store_true", default=None, help=text)
        elif kind == field.CPPTYPE_MESSAGE:
            group.add_argument(flag, type=_json, metavar="JSON", help=text)
        elif kind in _NUMBERS:
            name = "N" if _NUMBERS[kind] is int else "X"
            group.add_argument(flag, type=_NUMBERS[kind], metavar=name, help=text)
        else:
            group.add_argument(flag, metavar="TEXT", help=text)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"no JSON: {error}") from error


def tune_args(args: argparse.Namespace, out: str) -> dict[str, Any]:
    """TuneArgs, in the terms of their JSON, as the command line has them."""
    given = {
        field.name: value
        for field in tuner_pb2.TuneArgs.DESCRIPTOR.fields
        if (value := getattr(args, field.name)) is not None
    }
    return {
        "num_parallel_trials": 1,
        "study_dir": os.path.join(out, "studies"),
        **given,
    }


def run(args: argparse.Namespace) -> None:
    """Runs the command.

    Raises:
        SearchError: If the search fails or is interrupted.
        ValueError: If what the command line names is not as it should be.
    """
    out = os.path.abspath(args.out)
    properties = _properties(args, out)
    _check_files(args)
    _quieten()
    print("Importing TFX ...", file=sys.stderr, flush=True)
    # Takes ten seconds and more: not before all else is known to be in order.
    from tuner_component.cli import on_files

    on_files.search(args, out, properties)


def _properties(args: argparse.Namespace, out: str) -> dict[str, Any]:
    """The executor's properties."""
    is_file = args.module.endswith(".py")
    if is_file and not os.path.isfile(args.module):
        raise ValueError(
            f"Expected MODULE to be a Python file or package.module.function. Received: "
            f"{args.module}, where there is no file."
        )
    if not is_file and "." not in args.module:
        raise ValueError(
            f"Expected MODULE to be a Python file or package.module.function. Received: "
            f"{args.module}."
        )
    module = os.path.abspath(args.module) if is_file else args.module
    return {
        "module_file" if is_file else "tuner_fn": module,
        "train_args": json.dumps({"num_steps": args.train_steps}),
        "eval_args": json.dumps({"num_steps": args.eval_steps}),
        "tune_args": json.dumps(tune_args(args, out)),
        "custom_config": args.custom_config or "null",
    }


def _check_files(args: argparse.Namespace) -> None:
    for path in (*args.train, *args.eval):
        if not os.path.isfile(path):
            raise ValueError(
                f"Expected --train and --eval to name files on this machine. Received: "
                f"{path}, where there is no file."
            )
    kinds = {path.endswith(".csv") for path in (*args.train, *args.eval)}
    if len(kinds) > 1:
        raise ValueError(
            "Expected either CSV files or TFRecord files. Received: both. Convert one."
        )
    if not args.eval and kinds == {False}:
        raise ValueError(
            "Expected --eval with TFRecord files. Received: none. Name files to "
            "evaluate with."
        )


def _quieten() -> None:
    """Leaves this package's own words on the terminal."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(
        lambda record: (
            record.levelno >= logging.ERROR or "/tuner_component/" in record.pathname
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
