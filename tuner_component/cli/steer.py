"""Steering a search that runs: stop it or a trial, enqueue a configuration, more workers."""

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

from tuner_component.cli import again, command_file
from tuner_component.console import asking, status
from tuner_component.console.errors import NoResultError
from tuner_component.console.place import Place, trial_named
from tuner_component.report.loading import own_directory
from tuner_component.search.study import description as description_lib
from tuner_component.search.study import request_files, requests
from tuner_component.search.study.history_reading import read_history
from tuner_component.search.study.study import Study

_STUDY_HELP = (
    "path or URI of: the OUT directory of `tune`, a pipeline's Tuner (its directory), the "
    "directory that a script gave to tune(), or a study"
)
# Longer than a search in a bucket takes to look.
_WAIT_S = 30.0
# Of requests that nobody has seen, so many are looked at.
_LATEST = 100
_RESUMED = (
    "Expected a search that is to end. Received: one that somebody wants to go on, by "
    "`tuner-component resume`. Ask again to stop it."
)
_RESUME = """Has a search go on that somebody has stopped.

That is written into the study, which then is not finished any more. What `tuner-component
tune` has started is run at once, by the same command as then. Otherwise run the same
pipeline or script again.
"""


def add_to(commands: Any, start: again.Start) -> None:
    """Adds the commands to a parser's.

    Args:
        commands: Of the parser.
        start: Runs the command line of a search.
    """
    parser = _command(commands, "stop", "stop a search that runs, or one trial", _stop)
    parser.add_argument(
        "trial",
        metavar="TRIAL",
        nargs="?",
        help="the trial: its id or its number. It ends after its next epoch, with its best "
        "one so far (default: the whole search, whose results are published then)",
    )
    text = "have a search try a configuration next"
    parser = _command(commands, "enqueue", text, _enqueue)
    parser.add_argument(
        "values",
        metavar="NAME=VALUE",
        nargs="+",
        help="a hyperparameter. A value that is JSON is what it says, any other is text. "
        "Those that are left out have their defaults",
    )
    text = "change how many trials a search runs at a time"
    parser = _command(commands, "workers", text, _workers)
    parser.add_argument("number", metavar="N", type=int, help="how many, 1 or more")
    _add_resume(commands, start)


def _command(
    commands: Any, name: str, text: str, request: Callable[..., Mapping[str, Any]]
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text.capitalize()}."
    )
    parser.add_argument("study", metavar="STUDY", help=_STUDY_HELP)
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=float,
        default=_WAIT_S,
        help="how long to wait for the search to answer (default: %(default)g). What was "
        "asked does not depend on that",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.set_defaults(run=lambda args: _ask(args, request))
    return parser


def _stop(args: argparse.Namespace, place: Place) -> Mapping[str, Any]:
    if args.trial is None:
        return {"kind": requests.STOP_SEARCH}
    trial_id = trial_named(place.load(), args.trial)
    return {"kind": requests.STOP_TRIAL, "trial": trial_id}


def _enqueue(args: argparse.Namespace, place: Place) -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    for given in args.values:
        name, equals, value = given.partition("=")
        if not (name and equals) or name in values:
            raise ValueError(
                f"Expected NAME=VALUE, each name once. Received: {given!r}. Write, for "
                "example, units=64 activation=relu."
            )
        values[name] = _parsed(value)
    return {"kind": requests.ENQUEUE, "values": values}


def _parsed(text: str) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, (bool, int, float, str)) else text


def _workers(args: argparse.Namespace, place: Place) -> Mapping[str, Any]:
    return {"kind": requests.WORKERS, "workers": args.number}


def _ask(args: argparse.Namespace, request: Callable[..., Mapping[str, Any]]) -> None:
    place = Place.of(args.study)
    known = asking.wait(
        place, asking.ask(place, **request(args, place)), within_s=args.wait
    )
    answer = known.answer
    if args.json:
        print(json.dumps(asking.facts(known)))
    elif answer is None or answer.outcome == requests.DONE:
        print(asking.told(known, place))
    if answer is not None and answer.outcome == requests.REFUSED:
        raise NoResultError(f"It was refused. {asking.told(known, place)}")


def _add_resume(commands: Any, start: again.Start) -> None:
    parser = commands.add_parser(
        "resume",
        help="have a search go on that was stopped by request",
        description=_RESUME,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=lambda args: _resume(args, start))
    parser.add_argument("study", metavar="STUDY", help=_STUDY_HELP)
    again.add_arguments(parser)


def _resume(args: argparse.Namespace, start: again.Start) -> None:
    """Has a search go on that was stopped.

    Raises:
        NoResultError: If it was not.
        SearchError: If a search works on the study, or the search fails.
        ValueError: If the kept command line cannot be read.
    """
    directory, description = own_directory(args.study)
    command = None if args.no_run else command_file.kept(args.study)
    was_stopped = description_lib.was_stopped(description)
    if description_lib.is_finished(description) and not was_stopped:
        raise NoResultError(
            f"Expected a search that was stopped by request. Received: {directory}, which "
            "has come to its own end. To go on with it, run it with more max_trials."
        )
    if was_stopped or _is_to_end(directory, description):
        _reopen(directory, description["fingerprint"])
    if command is not None:
        again.run(command, description["id"], start, args.json)
    elif args.json:
        status.show(Place.of(directory), as_json=True)
    else:
        print(
            "It goes on when the same search is run again (the pipeline, the script, "
            "`tuner-component tune`). Where a pipeline takes the Tuner's result from its "
            "cache, run it without a cache."
        )


def _is_to_end(directory: str, description: Mapping[str, Any]) -> bool:
    """Whether the next run of a search would end it, as somebody has asked for that."""
    study_id = description["id"]
    asked = read_history(directory, study_id, description).asked
    if asked.ends_search(description_lib.heeded(description)):
        return True
    known = request_files.latest(directory, study_id, _LATEST)
    return any(
        one.answer is None and one.request.kind == requests.STOP_SEARCH for one in known
    )


def _reopen(directory: str, fingerprint: Mapping[str, str]) -> None:
    """Has whoever has asked so far that a search end not end it any more."""
    with Study.open(directory, fingerprint, go_on=True) as study:
        study.commit()
        waiting = request_files.Requests(directory, study.id)
        for request in waiting.waiting():
            if request.kind == requests.STOP_SEARCH:
                waiting.answer(request, requests.REFUSED, _RESUMED)
