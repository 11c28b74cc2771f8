"""Looking at searches, running or finished: the commands that start none."""

import argparse
import json
from collections.abc import Callable
from typing import Any

from tuner_component.cli import best, export
from tuner_component.console import listing, logs, status, trial
from tuner_component.console.place import Place
from tuner_component.report.loading import load_study
from tuner_component.search.storage import files

_STUDY_HELP = (
    "path or URI of: the OUT directory of `tune`, a pipeline's root or its Tuner (its "
    "directory), a TunerResults artifact, or a study"
)
_TRIAL_HELP = "the trial: its id, its number, or best"


def add_to(commands: Any) -> None:
    """Adds the commands to a parser's."""
    _add_list(commands)
    shown = _command(commands, "status", "show the progress of a search", status.run)
    _add_json(shown)
    shown.add_argument(
        "--watch",
        action="store_true",
        help="go on showing it until the search is over, or nobody works on it. Where "
        "standard output is no terminal: a line for each change",
    )
    shown = _command(commands, "show", "show all that is known of a trial", trial.run)
    shown.add_argument("trial", metavar="TRIAL", help=_TRIAL_HELP)
    _add_json(shown)
    shown = _command(commands, "logs", "print the log of a trial", logs.run)
    shown.add_argument("trial", metavar="TRIAL", help=_TRIAL_HELP)
    shown.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help="go on printing what comes until the trial has ended",
    )
    _add_best(commands)
    export.add_to(commands, _STUDY_HELP)
    report = _command(commands, "report", "write the HTML report of a search", _report)
    report.add_argument(
        "others",
        metavar="OTHER",
        nargs="*",
        help="other studies, to show beside it",
    )
    report.add_argument(
        "--output",
        metavar="FILE",
        default="report.html",
        help="the file to write (default: %(default)s)",
    )
    _add_json(report)
    _add_serve(commands)


def _add_serve(commands: Any) -> None:
    parser = commands.add_parser(
        "serve",
        help="serve the report of a search while it runs",
        description="Serves the report as a page that follows the search: of one search, "
        "or of all below a directory. It only reads, unless --control is given.",
    )
    parser.add_argument(
        "directory",
        metavar="DIRECTORY",
        nargs="?",
        default=".",
        help="path or URI of a search, a pipeline, or what is above them (default: the "
        "working directory)",
    )
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="the address to listen at (default: %(default)s). All but loopback takes a "
        "token, which is a part of the address that is printed: that of the variable "
        "TUNER_COMPONENT_TOKEN, or a new one. There is no encryption",
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=int,
        default=8686,
        help="the port to listen at; 0 for any free one (default: %(default)s)",
    )
    parser.add_argument(
        "--control",
        action="store_true",
        help="have the pages stop trials and searches, enqueue configurations and change "
        "the number of workers, too. Takes a token at any address",
    )
    parser.set_defaults(run=_serve)


def _serve(args: argparse.Namespace) -> None:
    from tuner_component.serving import server  # Only this command needs a web server.

    server.run(args)


def _add_list(commands: Any) -> None:
    text = "list the studies below a directory"
    parser = commands.add_parser("list", help=text, description=f"{text.capitalize()}.")
    parser.add_argument(
        "directory",
        metavar="DIRECTORY",
        nargs="?",
        default=".",
        help="path or URI (default: the working directory). Below a URI, studies are "
        "found in pipelines' roots and one level deeper",
    )
    parser.set_defaults(run=listing.run)
    _add_json(parser)


def _add_best(commands: Any) -> None:
    shown = _command(commands, "best", "print the best hyperparameters", best.run)
    shown.add_argument(
        "--format",
        choices=best.FORMATS,
        help="for other programs. text: the content of a best_hyperparameters.txt, which "
        "an importer node takes if it is the only file in its directory (default with "
        "--output); json, yaml: only the values",
    )
    shown.add_argument(
        "--output", metavar="FILE", help="write to this file instead of the terminal"
    )
    shown.add_argument(
        "--model",
        metavar="DIR",
        help="write the best model there, too: a SavedModel with a model.keras in it. The "
        "module of the search builds it, so TFX is imported, and tuner_fn is called. What "
        "tune() returns has best_model() for that",
    )
    shown.add_argument(
        "--module",
        metavar="FILE",
        help="with --model: where the module is now (default: where it was then)",
    )
    _add_json(shown)


def _command(
    commands: Any, name: str, text: str, run: Callable[[argparse.Namespace], None]
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text.capitalize()}."
    )
    parser.add_argument("study", metavar="STUDY", help=_STUDY_HELP)
    parser.set_defaults(run=run)
    return parser


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def _report(args: argparse.Namespace) -> None:
    place = Place.of(args.study)
    study, others = place.load(), [load_study(other) for other in args.others]
    # Plotly takes a moment to import, and the other commands do not need it.
    from tuner_component.report import page

    files.write_output(
        args.output, page.render(study, *others, directory=place.own).encode()
    )
    if args.json:
        studies = [one.study_id for one in (study, *others)]
        print(json.dumps({"report": args.output, "studies": studies}))
    else:
        print(f"Written: {args.output}")
