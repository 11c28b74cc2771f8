"""TuneArgs: checked, and converted to the options of the search."""

from collections.abc import Iterator
from typing import Any

from google.protobuf import json_format

from tuner_component.oracles import names
from tuner_component.proto import tuner_pb2
from tuner_component.search.constraint import Constraint
from tuner_component.search.options import (
    NOTHING,
    Cluster,
    Known,
    RetryOptions,
    SearchOptions,
    StoppingOptions,
)
from tuner_component.search.ranges import ranges
from tuner_component.search.spelling import did_you_mean

# Its module takes many seconds to import, and is not there in every environment.
_OF_TFX = "tfx.components.tuner.TuneArgs"

# The options of the search that have another name here.
_RENAMED = {
    "num_parallel_trials": "num_workers",
    "trial_timeout_seconds": "trial_timeout_s",
    "time_budget_seconds": "time_budget_s",
}
_RENAMED_OF_CLUSTER = {"wait_seconds": "wait_s"}
# What can be told of a search while it runs.
TRACKERS = ("mlflow", "wandb")
_RANGES = ranges(SearchOptions)
_RANGES_OF_CLUSTER = ranges(Cluster)
_RANGES_OF_RETRY = ranges(RetryOptions)


def validated(tune_args: Any) -> tuner_pb2.TuneArgs:
    """Returns `tune_args` as our message, checked.

    Args:
        tune_args: Our `TuneArgs` or TFX's.

    Raises:
        TypeError: If it is neither.
        ValueError: If a value is out of its range, or has no effect.
    """
    if isinstance(tune_args, tuner_pb2.TuneArgs):
        result = tune_args
    elif _name_of(tune_args) == _OF_TFX:
        result = tuner_pb2.TuneArgs.FromString(tune_args.SerializeToString())
    else:
        raise TypeError(
            "Expected tune_args to be a tuner_component.TuneArgs (or TFX's). "
            f"Received: {tune_args!r} of type {type(tune_args).__name__}. Write "
            "tune_args=TuneArgs(num_parallel_trials=...)."
        )
    _check_numbers(result)
    if result.confirm_seeds and not result.confirm_top:
        raise ValueError(
            "Expected tune_args.confirm_top with confirm_seeds: how many of the best "
            "trials are run again. Received: none. Set it, or leave confirm_seeds out."
        )
    if result.num_parallel_trials and result.study_dir.startswith("ram://"):
        raise ValueError(
            "Expected tune_args.study_dir to be where all processes of the search see "
            f"the same files. Received: {result.study_dir}, which each process has for "
            "itself. Name a directory or a bucket, or leave study_dir out."
        )
    if result.search:
        names.check(result.search)
        names.check_goals(result.search, result.pareto, bool(result.constraints))
    _check_trackers(result)
    _check_cluster(result)
    _check_ending(result)
    search_options(result)  # Checks the rest, and what does not go together.
    return result


def _name_of(message: Any) -> str | None:
    """The full name of a message's type; None if it is no message."""
    return getattr(getattr(message, "DESCRIPTOR", None), "full_name", None)


def _check_numbers(args: tuner_pb2.TuneArgs) -> None:
    for name, option, value in _numbers(args):
        allowed = _RANGES[option]
        allowed.check(f"tune_args.{name}", value)
        if allowed.of_workers and args.num_parallel_trials == 0:
            raise ValueError(
                f"Expected tune_args.num_parallel_trials to be 1 or more with {name}. "
                f"Received: 0, a search in process, where {name} has no effect. Set "
                "num_parallel_trials, or leave it out."
            )


def _numbers(args: tuner_pb2.TuneArgs) -> Iterator[tuple[str, str, Any]]:
    """Yields the name, the option and the value of each number that is set.

    A 0 that stands for the default is not among them. If 0 and unset mean different
    things, the message knows which it is.
    """
    for field, value in args.ListFields():
        option = _RENAMED.get(field.name, field.name)
        if option in _RANGES:
            yield field.name, option, value


def checked_parameter(parameter: Any) -> Any:
    """Returns a parameter of the pipeline that will hold TuneArgs as JSON.

    Args:
        parameter: TFX's RuntimeParameter. Its value is known only when a run is
            submitted; a default is checked now.

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
    """Returns the options of the stopping rule, None for no rule.

    Raises:
        ValueError: If a value is out of its range.
    """
    stopping = args.stopping
    # A 0 that stands for the default is not among the fields that are set.
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


def retry_options(args: tuner_pb2.TuneArgs) -> RetryOptions | None:
    """Returns which failed trials are run again, None for none.

    Raises:
        ValueError: If a value is out of its range, or empty.
    """
    if not args.HasField("retry"):
        return None
    retry = args.retry
    if retry.times:
        _RANGES_OF_RETRY["times"].check("tune_args.retry.times", retry.times)
    named = {"trials": tuple(retry.trials), "causes": tuple(retry.causes)}
    return RetryOptions(**named, times=retry.times or 1)


def constraints(args: tuner_pb2.TuneArgs) -> tuple[Constraint, ...]:
    """Returns what a result must meet, each constraint once, in the order given.

    Raises:
        ValueError: If one is not of the form METRIC <= NUMBER.
    """
    return tuple(dict.fromkeys(map(Constraint.parse, args.constraints)))


def cluster_options(args: tuner_pb2.TuneArgs) -> Cluster | None:
    """Returns the cluster that the workers run on, None for this machine.

    Raises:
        ValueError: If a value is not one that a cluster understands.
    """
    if not args.HasField("cluster"):
        return None
    given: dict[str, Any] = {"address": ""}
    # A 0 that stands for the default is not among the fields that are set.
    for field, value in args.cluster.ListFields():
        option = _RENAMED_OF_CLUSTER.get(field.name, field.name)
        if option in _RANGES_OF_CLUSTER:
            allowed = _RANGES_OF_CLUSTER[option]
            allowed.check(f"tune_args.cluster.{field.name}", value)
        given[option] = value
    given["resources_per_trial"] = dict(args.cluster.resources_per_trial)
    return Cluster(**given)


def _check_cluster(args: tuner_pb2.TuneArgs) -> None:
    if cluster_options(args) and args.num_parallel_trials == 0:
        raise ValueError(
            "Expected tune_args.num_parallel_trials to be 1 or more with cluster. "
            "Received: 0, a search in process, where cluster has no effect. Set "
            "num_parallel_trials, or leave cluster out."
        )


def _check_trackers(args: tuner_pb2.TuneArgs) -> None:
    for name in args.trackers:
        if name not in TRACKERS:
            raise ValueError(
                f"Expected tune_args.trackers to be of {', '.join(TRACKERS)}. Received: "
                f"{name!r}.{did_you_mean(name, TRACKERS)} Leave it out to tell none."
            )


def _check_ending(args: tuner_pb2.TuneArgs) -> None:
    if args.stop_when and args.search not in ("", "auto"):
        raise ValueError(
            f'Expected tune_args.search to be "auto" with stop_when={args.stop_when!r}: '
            "only its model tells what going on is worth. Received: "
            f'{args.search!r}. Set search="auto", or leave stop_when out.'
        )


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
            f"({error}). Correct it; or, if it has a field that is new, compile the "
            "pipeline with the version of tfx-tuner-component that runs it."
        ) from error
    return validated(parsed)


def search_options(args: tuner_pb2.TuneArgs, known: Known = NOTHING) -> SearchOptions:
    """Returns the options of the search.

    A search in process uses only the seed, the time budget, the limit on failures, the
    stopping rule, the goals, what ends the search, the known points, and the check before
    the first trial.

    Args:
        args: How to run the search.
        known: Points and results that it starts from.
    """
    numbers = {option: value for _, option, value in _numbers(args)}
    return SearchOptions(
        stopping=stopping_options(args),
        pareto=args.pareto,
        constraints=constraints(args),
        known=known,
        cluster=cluster_options(args),
        preflight=not args.skip_preflight,
        stop_when=args.stop_when or None,
        retry=retry_options(args),
        **numbers,
    )


def fingerprint_parts(args: tuner_pb2.TuneArgs) -> dict[str, str]:
    """What of the arguments shapes the search, by name: not how many workers run it.

    Args:
        args: How to run the search.
    """
    parts = {"seed": str(args.seed) if args.HasField("seed") else "drawn"}
    if args.stopping.rule:
        parts["stopping"] = str(args.stopping).strip().replace("\n", ", ")
    if args.search:
        parts["search"] = args.search
    if args.pareto:
        parts["pareto"] = "yes"
    if args.constraints:
        parts["constraints"] = ", ".join(sorted(map(str, constraints(args))))
    return parts
