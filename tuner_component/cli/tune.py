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
from tuner_component.search.constraint import Constraint
from tuner_component.search.machine import ray_package
from tuner_component.search.options import Cluster

_HELP = {
    "num_parallel_trials": "how many trials run at the same time, each in a worker "
    "process (default: 1); 0 runs them one by one in this process, for a debugger",
    "cpus_per_trial": "CPU threads for each worker (default: the machine's threads, "
    "divided equally)",
    "gpus_per_trial": "GPUs for each worker; 0.5 lets two workers share one (default: "
    "the machine's GPUs, divided equally)",
    "max_retries": "how often a trial is tried again after its worker died (default: 2)",
    "trial_timeout_seconds": "a trial that takes longer is killed and tried again "
    "(default: no limit)",
    "time_budget_seconds": "after this time no more trials start (default: no limit)",
    "max_failed_trials": "the search fails when more trials than this have failed "
    "(default: any number may fail, but not 10 in a row)",
    "study_dir": "the directory that holds the studies (default: OUT/studies)",
    "seed": "makes the search reproducible (default: a random seed, which is recorded)",
    "max_trials_per_worker": "a worker is replaced after this many trials, in case "
    "your code leaks memory (default: never)",
    "stopping": 'how to stop hopeless trials early, for example {"rule": "MEDIAN"}; '
    "see docs/searches.md (default: trials are not stopped)",
    "skip_preflight": "do not check before the first trial that the default model trains",
    "search": "how points are chosen: auto, or one of Optuna's samplers (tpe, gp, cmaes, "
    "qmc, random); see docs/algorithms.md (default: as the module's tuner does)",
    "confirm_top": "when the search is over, run so many of the best trials again, with "
    "other seeds, and publish the best mean; see docs/searches.md (default: none)",
    "confirm_seeds": "how often each of them is run again (default: 3)",
    "pareto": "looks for the front of several objectives, not for the smallest sum; "
    "see docs/searches.md",
    "constraints": 'what the result must meet, for example --constraint "size <= 5e6"; '
    "may be repeated",
    "stop_when": "converged: end the search when going on is not expected to gain "
    "anything worth it; for --search auto (default: when all trials were run)",
    "cluster": "runs the workers on a Ray cluster: auto for the one that this machine is "
    "a node of, or the address of its head, for example ray-head:6379; see "
    "docs/cluster.md (default: they run on this machine)",
}
# Of the fields of TuneArgs.cluster but its address, which is the value of --cluster.
_CLUSTER_HELP = {
    "memory_gib_per_trial": "memory that a node reserves for a trial, in GiB (default: "
    "none)",
    "resources_per_trial": "a custom resource of the cluster that a trial needs, and how "
    "much of it, for example --resource TPU=4; may be repeated",
    "wait_seconds": "how long the search waits while the cluster has no place for any "
    "trial (default: 900)",
    "workers_per_trial": "processes that train one trial together, each with what a trial "
    "gets; see docs/cluster.md (default: 1)",
    "driver_on_cluster": "runs the search's driver on a node of the cluster, too, which "
    "needs one CPU for it (default: it runs on this machine)",
}
_NUMBERS: dict[int, type] = {
    descriptor.FieldDescriptor.CPPTYPE_INT32: int,
    descriptor.FieldDescriptor.CPPTYPE_INT64: int,
    descriptor.FieldDescriptor.CPPTYPE_UINT32: int,
    descriptor.FieldDescriptor.CPPTYPE_UINT64: int,
    descriptor.FieldDescriptor.CPPTYPE_DOUBLE: float,
    descriptor.FieldDescriptor.CPPTYPE_FLOAT: float,
}

_DESCRIPTION = """Runs the search that tuner_fn in a Python module describes, on files.

If the search is stopped, the same command continues it. (A change of the data, the
module or the seed starts a new search.) Afterwards OUT holds:
  best_hyperparameters/  best_hyperparameters.txt, in the form that an importer node takes
  results/               tuner_results.json, study.json and report.html
  studies/               the search itself, with the log of each trial and files for
                         TensorBoard: tensorboard --logdir OUT/studies
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
        help="a Python file that defines tuner_fn, or the function itself as "
        "package.module.function",
    )
    add = parser.add_argument_group("data").add_argument
    add(
        "--train",
        nargs="+",
        required=True,
        metavar="FILE",
        help="files to train on: TFRecord files of tf.Examples, or .csv files with a "
        "header line",
    )
    add(
        "--eval",
        nargs="+",
        default=[],
        metavar="FILE",
        help="files to evaluate on, of the same kind (default for CSV files: a third "
        "of the rows of --train)",
    )
    add(
        "--schema",
        metavar="PATH",
        help="a schema.pbtxt (default for CSV files: inferred from them)",
    )
    add("--transform-graph", metavar="DIR", help="the directory that Transform wrote")
    add("--base-model", metavar="DIR", help="a saved model to start from")
    add = parser.add_argument_group("training").add_argument
    add("--train-steps", type=int, default=0, metavar="N", help="fn_args.train_steps")
    add("--eval-steps", type=int, default=0, metavar="N", help="fn_args.eval_steps")
    add(
        "--custom-config",
        metavar="JSON",
        help="fn_args.custom_config, as a JSON object",
    )
    parser.add_argument(
        "--out", required=True, metavar="OUT", help="directory for the output"
    )
    _add_tune_args(parser.add_argument_group("search (TuneArgs)"))
    _add_cluster(parser.add_argument_group("cluster (TuneArgs.cluster)"))


def _add_tune_args(group: Any) -> None:
    for field in tuner_pb2.TuneArgs.DESCRIPTOR.fields:
        if field.name == "cluster":
            continue
        flag, text = _flag(field.name), _HELP.get(field.name)
        kind = field.cpp_type
        if field.name == "constraints":
            group.add_argument(
                "--constraint",
                dest=field.name,
                action="append",
                type=_constraint,
                metavar="TEXT",
                help=text,
            )
        elif kind == field.CPPTYPE_BOOL:
            group.add_argument(flag, action="store_true", default=None, help=text)
        elif kind == field.CPPTYPE_MESSAGE:
            group.add_argument(flag, type=_json, metavar="JSON", help=text)
        elif kind in _NUMBERS:
            name = "N" if _NUMBERS[kind] is int else "X"
            group.add_argument(flag, type=_NUMBERS[kind], metavar=name, help=text)
        else:
            group.add_argument(flag, metavar="TEXT", help=text)


def _add_cluster(group: Any) -> None:
    texts, add = _CLUSTER_HELP, group.add_argument
    add("--cluster", metavar="ADDRESS", help=_HELP["cluster"])
    for name in ("memory_gib_per_trial", "wait_seconds"):
        add(_flag(name), type=float, metavar="X", help=texts[name])
    flag, text = _flag("workers_per_trial"), texts["workers_per_trial"]
    add(flag, type=int, metavar="N", help=text)
    add(
        "--resource",
        dest="resources_per_trial",
        action="append",
        type=_resource,
        metavar="NAME=AMOUNT",
        help=texts["resources_per_trial"],
    )
    flag, text = _flag("driver_on_cluster"), texts["driver_on_cluster"]
    add(flag, action="store_true", default=None, help=text)


def _flag(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def _resource(text: str) -> tuple[str, float]:
    name, _, amount = text.rpartition("=")
    try:
        return name, float(amount)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not NAME=AMOUNT: {text}") from error


def _constraint(text: str) -> str:
    try:
        return str(Constraint.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from error


def tune_args(args: argparse.Namespace, out: str) -> dict[str, Any]:
    """Returns the TuneArgs of the command line, as their JSON has them.

    Raises:
        ValueError: If it says what a trial needs of a cluster, and names none.
    """
    given: dict[str, Any] = {
        field.name: value
        for field in tuner_pb2.TuneArgs.DESCRIPTOR.fields
        if (value := getattr(args, field.name)) is not None
    }
    needs = {
        name: value
        for name in _CLUSTER_HELP
        if (value := getattr(args, name)) is not None
    }
    if "resources_per_trial" in needs:
        needs["resources_per_trial"] = dict(needs["resources_per_trial"])
    if "cluster" in given:
        given["cluster"] = {"address": given["cluster"], **needs}
    elif needs:
        raise ValueError(
            f"Expected --cluster with {', '.join(needs)}. Received: none. Name the "
            "cluster, or leave out what is said of it."
        )
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
    if args.cluster is not None:
        Cluster(args.cluster)  # Checks it.
        ray_package.require()
    _quieten()
    print("Importing TFX ...", file=sys.stderr, flush=True)
    # The import takes ten seconds or more: first all that can be checked without it.
    from tuner_component.cli import on_files

    on_files.search(args, out, properties)


def _properties(args: argparse.Namespace, out: str) -> dict[str, Any]:
    """The executor's properties."""
    is_file = args.module.endswith(".py")
    if is_file and not os.path.isfile(args.module):
        raise ValueError(
            f"Expected MODULE to be a Python file or package.module.function. Received: "
            f"{args.module}, and there is no such file."
        )
    if not is_file and "." not in args.module:
        raise ValueError(
            f"Expected MODULE to be a Python file or package.module.function. Received: "
            f"{args.module}. Write it with its .py, or as package.module.function."
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
                f"{path}, and there is no such file."
            )
    kinds = {path.endswith(".csv") for path in (*args.train, *args.eval)}
    if len(kinds) > 1:
        raise ValueError(
            "Expected either CSV files or TFRecord files. Received: both. Convert one "
            "kind to the other."
        )
    if not args.eval and kinds == {False}:
        raise ValueError(
            "Expected --eval with TFRecord files. Received: none. Name files to "
            "evaluate on."
        )


def _quieten() -> None:
    """Shows only what this package logs, in plain lines, and errors."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    errors = logging.StreamHandler()
    errors.setLevel(logging.ERROR)
    logging.basicConfig(
        format="%(message)s", level=logging.INFO, handlers=[errors], force=True
    )
    # A pipeline's log has prefixes, which are of no use to someone at a terminal.
    own = logging.getLogger(__name__.partition(".")[0])
    own.setLevel(logging.INFO)
    own.propagate = False
    own.handlers = [logging.StreamHandler(sys.stdout)]
