"""TuneArgs: taking them from the pipeline author and from the orchestrator."""

import math
from typing import Any

from google.protobuf import json_format
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import tuner_pb2 as tfx_tuner_pb2

from tuner_component.proto import tuner_pb2
from tuner_component.search.options import (
    NOTHING,
    Known,
    SearchOptions,
    StoppingOptions,
)

# The least value of each number, and what to write when there is no wish.
_AT_LEAST = {
    "num_parallel_trials": (0, "Leave it out to run trials in process, one by one"),
    "cpus_per_trial": (0, "Leave it out to divide the machine's CPUs"),
    "gpus_per_trial": (0, "Leave it out to divide the machine's GPUs"),
    "max_retries": (0, "Leave it out to retry twice"),
    "trial_timeout_seconds": (0, "Leave it out for no limit"),
    "time_budget_seconds": (0, "Leave it out for no limit"),
    "max_failed_trials": (
        0,
        "Leave it out to put up with any number, short of ten in a row",
    ),
    "max_trials_per_worker": (0, "Leave it out to keep workers until the end"),
    "seed": (0, "Leave it out to draw one"),
}

# Fields that mean something only to worker processes.
_OF_WORKERS = (
    "cpus_per_trial",
    "gpus_per_trial",
    "max_retries",
    "trial_timeout_seconds",
    "max_trials_per_worker",
)


def validated(
    tune_args: tuner_pb2.TuneArgs | tfx_tuner_pb2.TuneArgs,
) -> tuner_pb2.TuneArgs:
    """Returns `tune_args` as our message, checked.

    Args:
        tune_args: Our `TuneArgs` or TFX's.

    Raises:
        TypeError: If it is neither.
        ValueError: If a value is out of its range, or has no effect.
    """
    if isinstance(tune_args, tuner_pb2.TuneArgs):
        result = tune_args
    elif isinstance(tune_args, tfx_tuner_pb2.TuneArgs):
        result = tuner_pb2.TuneArgs.FromString(tune_args.SerializeToString())
    else:
        raise TypeError(
            "Expected tune_args to be a tuner_component.TuneArgs (or TFX's). "
            f"Received: {tune_args!r} of type {type(tune_args).__name__}. Write "
            "tune_args=TuneArgs(num_parallel_trials=...)."
        )
    for field, value in result.ListFields():
        least, otherwise = _AT_LEAST.get(field.name, (None, ""))
        if least is not None and not (math.isfinite(value) and value >= least):
            raise ValueError(
                f"Expected tune_args.{field.name} to be {least} or more. Received: "
                f"{value}. {otherwise}."
            )
        if field.name in _OF_WORKERS and result.num_parallel_trials == 0:
            raise ValueError(
                f"Expected tune_args.num_parallel_trials to be 1 or more with "
                f"{field.name}. Received: 0, a search in process, where {field.name} "
                "has no effect. Set num_parallel_trials, or leave it out."
            )
    if result.gpus_per_trial > 1 and result.gpus_per_trial % 1:
        raise ValueError(
            "Expected tune_args.gpus_per_trial to be a whole number, or a fraction "
            f"below 1. Received: {result.gpus_per_trial}. A worker can share one GPU "
            "or own several."
        )
    if result.num_parallel_trials and result.study_dir.startswith("ram://"):
        raise ValueError(
            "Expected tune_args.study_dir to be where all processes of the search see "
            f"the same files. Received: {result.study_dir}, which each has for itself. "
            "Name a directory or a bucket, or leave study_dir out."
        )
    stopping_options(result)
    return result


def checked_parameter(parameter: RuntimeParameter) -> RuntimeParameter:
    """Returns a parameter of the pipeline that will hold TuneArgs as JSON.

    Args:
        parameter: Its value is known only when a run is submitted; a default is checked
            now.

    Raises:
        TypeError: If its values are not text.
        ValueError: If its default is not JSON of a TuneArgs, or out of its range.
    """
    if parameter.ptype is not str:
        raise TypeError(
            "Expected a RuntimeParameter for tune_args to hold JSON. Received: "
            f"{parameter.name!r} of type {parameter.ptype}. Write RuntimeParameter("
            f"{parameter.name!r}, str, '{{\"num_parallel_trials\": 2}}')."
        )
    from_exec_properties(parameter.default)
    return parameter


def stopping_options(args: tuner_pb2.TuneArgs) -> StoppingOptions | None:
    """Returns the stopping rule in the terms of the search, None for none.

    Raises:
        ValueError: If a value is out of its range.
    """
    stopping = args.stopping
    # Where 0 stands for the default, it is not among the fields that are set.
    given = {field.name: value for field, value in stopping.ListFields()}
    number = given.pop("rule", 0)
    if number == tuner_pb2.Stopping.NONE:
        if given:
            raise ValueError(
                f"Expected tune_args.stopping.rule with {', '.join(given)}. Received: "
                "none. Set the rule, or leave stopping out."
            )
        return None
    if number not in tuner_pb2.Stopping.Rule.values():
        raise ValueError(
            "Expected tune_args.stopping.rule to be one of "
            f"{tuner_pb2.Stopping.Rule.keys()}. Received: {number}."
        )
    return StoppingOptions(tuner_pb2.Stopping.Rule.Name(number).lower(), **given)


def from_exec_properties(value: Any) -> tuner_pb2.TuneArgs:
    """Returns the TuneArgs of an execution property.

    Args:
        value: What the orchestrator passes: JSON, a message, or None for the
            defaults.

    Raises:
        TypeError: If it is none of these.
        ValueError: If it is not JSON of a TuneArgs, or a value is out of its range.
    """
    if value is None or value == "":
        return tuner_pb2.TuneArgs()
    if not isinstance(value, str):
        return validated(value)
    try:
        # Unknown fields are an error: they are misspelled, or of a newer version
        # whose promises this one would silently break.
        parsed = json_format.Parse(value, tuner_pb2.TuneArgs())
    except json_format.ParseError as error:
        raise ValueError(
            f"Expected tune_args to be JSON of a TuneArgs. Received: {value} "
            f"({error}). Compile the pipeline with the version of tfx-tuner-component "
            "that runs it."
        ) from error
    return validated(parsed)


def search_options(args: tuner_pb2.TuneArgs, known: Known = NOTHING) -> SearchOptions:
    """Returns the same in the terms of the search.

    An in-process search takes only the seed, the time budget, the limit on failures, the
    stopping rule, what is known, and the check before the first trial from it.

    Args:
        args: How to run the search.
        known: What it starts from.
    """
    # Where 0 and unset mean different things, the message knows which it is.
    set_fields = {field.name: value for field, value in args.ListFields()}
    return SearchOptions(
        num_workers=args.num_parallel_trials or 1,
        cpus_per_trial=args.cpus_per_trial or None,
        gpus_per_trial=set_fields.get("gpus_per_trial"),
        max_retries=set_fields.get("max_retries", SearchOptions.max_retries),
        trial_timeout_s=args.trial_timeout_seconds or None,
        time_budget_s=args.time_budget_seconds or None,
        max_failed_trials=set_fields.get("max_failed_trials"),
        max_trials_per_worker=args.max_trials_per_worker or None,
        stopping=stopping_options(args),
        known=known,
        preflight=not args.skip_preflight,
        seed=set_fields.get("seed"),
    )
