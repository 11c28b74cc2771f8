"""`tuner-component tune`: a search without a pipeline, by the same executor."""

import argparse
import functools
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf import descriptor, json_format

from tuner_component.arguments import tune_args as tune_args_lib
from tuner_component.arguments import wording
from tuner_component.cli import again, command_file, flags, stopping, tune_help
from tuner_component.cli.quiet import quieten, standard_output_kept
from tuner_component.console import status
from tuner_component.console.place import Place
from tuner_component.inputs import inputs
from tuner_component.proto import tuner_pb2
from tuner_component.search.constraint import Constraint
from tuner_component.search.machine import ray_package
from tuner_component.search.options import Cluster
from tuner_component.search.storage import files

_MOST_STEPS = 2**31 - 1  # That TFX's TrainArgs hold.


def _finite(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"Expected a finite number. Received: {text}.")
    return number


_NUMBERS: dict[int, Callable[[str], Any]] = {
    descriptor.FieldDescriptor.CPPTYPE_INT32: int,
    descriptor.FieldDescriptor.CPPTYPE_INT64: int,
    descriptor.FieldDescriptor.CPPTYPE_UINT32: int,
    descriptor.FieldDescriptor.CPPTYPE_UINT64: int,
    descriptor.FieldDescriptor.CPPTYPE_DOUBLE: _finite,
    descriptor.FieldDescriptor.CPPTYPE_FLOAT: _finite,
}

_DESCRIPTION = """Runs the search that tuner_fn in a Python module describes, on files.

If the search is stopped, the same command continues it; `tuner-component retry OUT` runs
its failed trials again. (A change of the data, the module or the seed starts a new
search.) Flags behind -- are the module's own:

  tuner-component tune MODULE --train DATA --out OUT -- --tuner_type=hyperband

They are in fn_args.custom_config, and in absl's FLAGS if the module defines them there.
Afterwards OUT holds:
  best_hyperparameters/  best_hyperparameters.txt, in the form that an importer node takes
  results/               tuner_results.json, study.json and report.html
  command.json           this command line, for `tuner-component retry` and `resume`
  studies/               the search itself, with the log of each trial and files for
                         TensorBoard: tensorboard --logdir OUT/studies
"""


def add_to(commands: Any) -> None:
    """Adds the command to a parser's."""
    parser = commands.add_parser(
        "tune",
        help="run a search on files",
        usage="%(prog)s MODULE --train PATH [PATH ...] --out OUT [OPTIONS] [-- FLAGS]",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, only_study=None)
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
        metavar="PATH",
        help=f"what to train on: {inputs.TAKES}",
    )
    add(
        "--eval",
        nargs="+",
        default=[],
        metavar="PATH",
        help="what to evaluate on, of the same kind (default: the folders train and val "
        "of a directory in --train, the arrays x_test and y_test beside x_train and "
        "y_train, or else a third of --train)",
    )
    add(
        "--schema",
        metavar="PATH",
        help="a schema.pbtxt (default for CSV and Parquet files: inferred from them)",
    )
    add("--transform-graph", metavar="DIR", help="the directory that Transform wrote")
    add("--base-model", metavar="DIR", help="a saved model to start from")
    add = parser.add_argument_group("training").add_argument
    for flag in ("--train-steps", "--eval-steps"):
        name = flag.strip("-").replace("-", "_")
        add(flag, type=_steps, default=0, metavar="N", help=f"fn_args.{name}")
    add(
        "--custom-config",
        metavar="JSON",
        help="fn_args.custom_config, as a JSON object",
    )
    parser.add_argument(
        "--out", required=True, metavar="OUT", help="directory for the output"
    )
    again.add_json(parser)
    _add_tune_args(parser.add_argument_group("search (TuneArgs)"))
    _add_cluster(parser.add_argument_group("cluster (TuneArgs.cluster)"))


def _add_tune_args(group: Any) -> None:
    for field in tuner_pb2.TuneArgs.DESCRIPTOR.fields:
        if field.name == "cluster":
            continue
        flag, text = _flag(field.name), tune_help.TEXTS.get(field.name)
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
        elif field.name == "trackers":
            group.add_argument(
                "--tracker",
                dest=field.name,
                action="append",
                metavar="NAME",
                help=text,
            )
        elif field.name == "stopping":
            group.add_argument(
                flag, type=stopping.parsed, metavar="RULE[:NAME=N,...]", help=text
            )
        elif kind == field.CPPTYPE_BOOL:
            group.add_argument(flag, action="store_true", default=None, help=text)
        elif kind == field.CPPTYPE_MESSAGE:
            form = functools.partial(
                _message,
                getattr(tuner_pb2, str(field.message_type and field.message_type.name)),
            )
            group.add_argument(flag, type=form, metavar="JSON", help=text)
        elif kind in _NUMBERS:
            name = "N" if _NUMBERS[kind] is int else "X"
            group.add_argument(flag, type=_NUMBERS[kind], metavar=name, help=text)
        else:
            group.add_argument(flag, metavar="TEXT", help=text)


def _add_cluster(group: Any) -> None:
    texts, add = tune_help.OF_CLUSTER, group.add_argument
    add("--cluster", metavar="ADDRESS", help=tune_help.TEXTS["cluster"])
    for name in ("memory_gib_per_trial", "wait_seconds"):
        add(_flag(name), type=_finite, metavar="X", help=texts[name])
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
        return name, _finite(amount)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"not NAME=AMOUNT: {text}") from error


def _constraint(text: str) -> str:
    try:
        return str(Constraint.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _message(kind: Any, text: str) -> Any:
    try:
        content = json.loads(text)
        json_format.ParseDict(content, kind())
    except (ValueError, json_format.ParseError) as error:
        names = ", ".join(field.name for field in kind.DESCRIPTOR.fields)
        raise argparse.ArgumentTypeError(
            f"Expected JSON, an object with some of {names}. Received: {text} ({error})."
        ) from error
    return content


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
        for name in tune_help.OF_CLUSTER
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
    with standard_output_kept(args.json):
        results = search(args)
    status.show(Place.of(results), args.json)


def search(args: argparse.Namespace) -> str:
    """Runs a search, and prints nothing of its result.

    Returns:
        The directory of its results.

    Raises:
        SearchError: If the search fails or is interrupted.
        ValueError: If what the command line names is not as it should be.
    """
    _check_text(args.command_line)
    out = _out(args.out)
    properties = _properties(args, out)
    _check_files(args)
    if args.cluster is not None:
        Cluster(args.cluster)  # Checks it.
        ray_package.require()
    quieten()
    print("Importing TFX ...", file=sys.stderr, flush=True)
    # The import takes ten seconds or more: first all that can be checked without it.
    from tuner_component.cli import on_files

    with command_file.keeping(out, args.command_line):
        return on_files.search(args, out, properties)


def _check_text(words: Sequence[str]) -> None:
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"Expected the command line to be text in UTF-8. Received: {word!r}. Rename "
                "the file, or write the value in another way."
            ) from error


def _out(path: str) -> str:
    if files.is_remote(path):
        raise ValueError(
            f"Expected --out to be a directory on this machine. Received: {path}. Copy it "
            "there afterwards; the study itself may be elsewhere: --study-dir takes a URI."
        )
    local = os.path.abspath(files.local_path(path))
    if os.path.exists(local) and not os.path.isdir(local):
        raise ValueError(
            "Expected --out to name a directory, which is made if there is none. "
            f"Received: {path}, and that is a file."
        )
    return local


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
    given = json.dumps(tune_args(args, out))
    with wording.named_by(wording.flag):
        tune_args_lib.from_exec_properties(given)
    return {
        "module_file" if is_file else "tuner_fn": module,
        "train_args": json.dumps({"num_steps": args.train_steps}),
        "eval_args": json.dumps({"num_steps": args.eval_steps}),
        "tune_args": given,
        # Sorted, as a pipeline has it: the order of flags does not make another search.
        "custom_config": json.dumps(
            flags.custom_config(args.custom_config, args.flags), sort_keys=True
        ),
        # Its name is what the module's help would show.
        "argv": [os.path.basename(args.module), *args.flags],
    }


def _steps(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number <= _MOST_STEPS:
        raise argparse.ArgumentTypeError(
            f"Expected a number of steps from 0 (which says nothing) to {_MOST_STEPS}. "
            f"Received: {text}."
        )
    return number


def _check_files(args: argparse.Namespace) -> None:
    """Looks at what is on this machine; what TFX reads elsewhere comes later."""
    given = (*args.train, *args.eval)
    if not inputs.remote(given):
        for warning in inputs.warnings(inputs.found(args.train, args.eval)):
            print(f"Warning: {warning}", file=sys.stderr)
    if args.schema and not os.path.exists(args.schema):
        raise ValueError(
            f"Expected --schema to name a schema.pbtxt, or the directory that holds it. "
            f"Received: {args.schema}, and there is no such file."
        )
    if args.schema and os.path.isdir(args.schema):
        found = sorted(os.listdir(args.schema))
        if len(found) != 1:
            raise ValueError(
                "Expected --schema to name a schema.pbtxt, or a directory that holds it "
                f"alone. Received: {args.schema}, which holds {', '.join(found) or 'nothing'}"
                ". Name the file."
            )
