"""TuneArgs: taking them from the pipeline author and from the orchestrator."""

from typing import Any

from google.protobuf import json_format
from tfx.proto import tuner_pb2 as tfx_tuner_pb2

from tuner_component.proto import tuner_pb2


def validated(
    tune_args: tuner_pb2.TuneArgs | tfx_tuner_pb2.TuneArgs,
) -> tuner_pb2.TuneArgs:
    """Returns `tune_args` as our message, checked.

    Args:
        tune_args: Our `TuneArgs` or TFX's.

    Raises:
        TypeError: If it is neither.
        ValueError: If a value is out of its range.
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
    if result.num_parallel_trials < 0:
        raise ValueError(
            "Expected tune_args.num_parallel_trials to be 0 or more. Received: "
            f"{result.num_parallel_trials}. Leave it out to run trials one after "
            "another."
        )
    return result


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
