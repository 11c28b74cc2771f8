"""`tuner-component retry`: failed trials are run again."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from tuner_component.cli import again, command_file
from tuner_component.console import status
from tuner_component.console.errors import NoResultError
from tuner_component.console.place import Place
from tuner_component.report.loading import own_directory
from tuner_component.search.options import RetryOptions
from tuner_component.search.spelling import counted
from tuner_component.search.study import retries
from tuner_component.search.study.history import History
from tuner_component.search.study.history_reading import read_history
from tuner_component.search.study.study import Study

_DESCRIPTION = """Runs failed trials of a search again, with the same hyperparameters.

That they are to be run again is written into the study, which then is not finished any
more. What `tuner-component tune` has started is run at once, by the same command as then.
Otherwise run the same pipeline or script again: it goes on with that.
"""


def add_to(commands: Any, start: again.Start) -> None:
    """Adds the command to a parser's.

    Args:
        commands: Of the parser.
        start: Runs the command line of a search.
    """
    parser = commands.add_parser(
        "retry",
        help="run failed trials again",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=lambda args: run(args, start))
    parser.add_argument(
        "study",
        metavar="STUDY",
        help="path or URI of: the OUT directory of `tune`, a pipeline's Tuner (its "
        "directory), the directory that a script gave to tune(), or a study",
    )
    parser.add_argument(
        "--trial",
        dest="trials",
        action="append",
        default=[],
        metavar="ID",
        help="a failed trial; may be repeated (default: all that have failed)",
    )
    parser.add_argument(
        "--cause",
        dest="causes",
        action="append",
        default=[],
        metavar="TEXT",
        help="the failed trials with this in the line that names what they failed with, "
        "as `status` shows it; numbers in it are all alike; may be repeated",
    )
    again.add_arguments(parser)


def run(args: argparse.Namespace, start: again.Start) -> None:
    """Runs the command.

    Raises:
        NoResultError: If no trial has failed that is meant.
        SearchError: If a search works on the study, or the search fails.
        ValueError: If what the command line names is not as it should be.
    """
    directory, description = own_directory(args.study)
    command = None if args.no_run else command_file.kept(args.study)
    history = read_history(directory, description["id"], description)
    _check(args.trials, history)
    retry = RetryOptions(tuple(args.trials), tuple(args.causes), times=None)
    waiting = [i for i, t in history.trials.items() if t.retried and not t.ended]
    trial_ids = retries.chosen(history, retry)
    if not trial_ids and not waiting:
        with_cause = " with one of these causes" if args.causes else ""
        causes = {retries.failure(t.ended or {}) for t in _failed(history)}
        raise NoResultError(
            f"Expected failed trials{with_cause} in {directory}, to run them again. "
            f"Received: {counted(len(_failed(history)), 'failed trial')}{_shown(causes)}. "
            "See `tuner-component status`."
        )
    if trial_ids:
        fingerprint = description["fingerprint"]
        with Study.open(directory, fingerprint, retry=retry, go_on=True) as study:
            study.commit()
    to_be_run = [*waiting, *trial_ids]
    told = sys.stderr if args.json else sys.stdout
    print(f"To be run again: {', '.join(to_be_run)}.", file=told, flush=True)
    if command is not None:
        again.run(command, description["id"], start, args.json, to_be_run=to_be_run)
    elif args.json:
        status.show(Place.of(directory), as_json=True, to_be_run=to_be_run)
    else:
        print(
            "Run the same search again (the pipeline, the script, `tuner-component "
            "tune`): it runs them first. Where a pipeline takes the Tuner's result from "
            "its cache, set tune_args.retry, or run it without a cache."
        )


def _failed(history: History) -> list[Any]:
    return [trial for trial in history.trials.values() if trial.has_failed]


def _shown(causes: set[str]) -> str:
    return f" ({'; '.join(sorted(causes)[:5])})" if causes else ""


def _check(trial_ids: Sequence[str], history: History) -> None:
    """Raises a `ValueError` if an id is none of a trial that has failed."""
    wrong = []
    for trial_id in trial_ids:
        trial = history.trials.get(trial_id)
        if trial is None:
            wrong.append(f"{trial_id}, which is none")
        elif trial.ended is not None and not trial.has_failed:
            wrong.append(f"{trial_id}, which completed")
        elif trial.ended is None and not trial.retried:
            wrong.append(f"{trial_id}, which has not ended")
    if wrong:
        failed = [trial.trial_id for trial in _failed(history)]
        raise ValueError(
            f"Expected --trial to name failed trials: {', '.join(failed) or 'none'}. "
            f"Received: {'; '.join(wrong)}. Leave it out for all failed trials."
        )
