"""Looking at a search, running or finished: `status`, `best` and `report`."""

import argparse
import collections
import dataclasses
import json
import time
from typing import Any

from tuner_component.report.loading import load_study
from tuner_component.report.record import (
    FAILED,
    PAUSED,
    RUNNING,
    StudyRecord,
    TrialRecord,
)
from tuner_component.search.storage import files

_STUDY_HELP = (
    "path or URI of: the OUT directory of `tune`, a pipeline's Tuner (its directory), a "
    "TunerResults artifact, or a study"
)


# Characters of the reason of a failure. The whole of it is in study.json.
_CAUSE = 300


class NoResultError(Exception):
    """There is no best trial, or it is not certain which one it is."""


def add_to(commands: Any) -> None:
    """Adds the commands to a parser's."""
    status = _command(commands, "status", "show the progress of a search", _status)
    status.add_argument("--json", action="store_true", help="print JSON, for programs")
    best = _command(commands, "best", "print the best hyperparameters", _best)
    best.add_argument(
        "--format",
        choices=("text", "json", "yaml"),
        default="text",
        help="text (default): the content of a best_hyperparameters.txt, which an "
        "importer node takes if it is the only file in its directory; json, yaml: only "
        "the values",
    )
    best.add_argument(
        "--output", metavar="FILE", help="write to this file instead of the terminal"
    )
    report = _command(commands, "report", "write the HTML report of a search", _report)
    report.add_argument(
        "--output",
        metavar="FILE",
        default="report.html",
        help="the file to write (default: %(default)s)",
    )


def _command(commands: Any, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text.capitalize()}."
    )
    parser.add_argument("study", metavar="STUDY", help=_STUDY_HELP)
    parser.set_defaults(run=run)
    return parser


def _status(args: argparse.Namespace) -> None:
    study = load_study(args.study)
    print(json.dumps(_facts(study)) if args.json else "\n".join(summary(study)))


def _facts(study: StudyRecord) -> dict[str, Any]:
    best = study.best
    return {
        "study": study.study_id,
        "status": study.status,
        "objective": study.objective.name if study.objective else None,
        "direction": study.objective.direction if study.objective else None,
        "max_trials": study.max_trials,
        "completed": len(study.completed),
        "failed": len(study.with_status(FAILED)),
        "running": [trial.trial_id for trial in study.with_status(RUNNING)],
        "paused": {t.trial_id: t.epochs for t in study.with_status(PAUSED)},
        "best": best and {"trial": best.trial_id, "score": best.score},
        "ended_because": study.ended_because,
        "prospect": study.prospect and dataclasses.asdict(study.prospect),
        "losses": list(study.losses),
    }


def summary(study: StudyRecord) -> list[str]:
    """Returns lines that tell a person how a study is going."""
    failed = study.with_status(FAILED)
    total = f" of {study.max_trials}" if study.max_trials else ""
    lines = [
        f"Study {study.study_id}, started {study.created}: {study.status}.",
        f"{len(study.completed)}{total} trials completed, {len(failed)} failed.",
    ]
    if study.best is not None:
        name = study.objective.name if study.objective else "score"
        lines.append(
            f"Best {name}: {study.best.score:.6g}, by trial {study.best.trial_id}."
        )
    elif study.completed:
        lines.append("Which trial is best is not known: the objective is lost.")
    lines += [told for told in (study.ended_because, study.outlook) if told]
    if study.losses:
        goes_on = study.finished is not None and study.status != "finished"
        lines.append(
            "Something of this study, which was finished, is lost. Run the same search "
            "again, which goes on with it, or put it back from a copy:"
            if goes_on
            else "Something of this study is missing:"
        )
        lines += [f"  {loss}" for loss in study.losses]
    if study.status == "finished":
        running = []
    else:
        running = study.with_status(RUNNING)
    if running:
        lines.append("Running (or interrupted, if no process works on the study):")
        lines += [f"  trial {t.trial_id} {_since(t)}" for t in running]
    if paused := study.with_status(PAUSED):
        lines.append(
            "Paused, and gone on with if they are worth more than another trial:"
        )
        lines += [f"  trial {t.trial_id} after epoch {t.epochs}" for t in paused]
    causes = collections.Counter(t.cause or "it left no message" for t in failed)
    if causes:
        lines.append("Failures:")
        for cause, count in causes.most_common(10):
            shown = cause if len(cause) <= _CAUSE else f"{cause[:_CAUSE]} ..."
            lines.append(f"  {count} x {shown}")
    return list(map(_printable, lines))


def _printable(text: str) -> str:
    """The text with escapes for what a terminal would obey, or could not show.

    A message of a trial may have anything in it.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


def _since(trial: TrialRecord) -> str:
    if trial.started is None:
        return "waiting for a worker"
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(trial.started))
    return f"on {trial.worker} since {when}"


def _best(args: argparse.Namespace) -> None:
    study = load_study(args.study)
    if study.best is None:
        raise NoResultError(
            f"Expected a completed trial in {args.study}, and its objective. Received: "
            f"{len(study.trials)} trials, {len(study.completed)} of them completed, and "
            f"{study.objective or 'no record of the objective'}. See `tuner-component "
            "status`."
        )
    text = formatted(study, study.best, args.format)
    if args.output:
        files.write_bytes(args.output, text.encode())
    else:
        print(text)
    if study.losses and study.finished and study.status != "finished":
        # Printed, since there may be no more; but no script must take it for the result.
        raise NoResultError(
            f"Expected all results of {args.study}. Received: {' '.join(study.losses)} "
            "What is printed may not be the best. Run the same search again, which goes "
            "on with it, or put the study back from a copy."
        )


def formatted(study: StudyRecord, trial: TrialRecord, form: str) -> str:
    """Returns the hyperparameters of a trial in a format that other programs read.

    Args:
        study: The study.
        trial: One of its trials.
        form: "json" or "yaml" for the values; "text" for the space with them, as in
            `best_hyperparameters.txt`.
    """
    values = dict(trial.hyperparameters)
    if form == "json":
        return json.dumps(values, indent=2)
    if form == "yaml":
        import yaml

        text: str = yaml.safe_dump(values, sort_keys=False)
        return text.rstrip()
    space = study.spaces.get(trial.space, [])
    return json.dumps({"space": list(space), "values": values})


def _report(args: argparse.Namespace) -> None:
    study = load_study(args.study)
    # Plotly takes a moment to import, and the other commands do not need it.
    from tuner_component.report import page

    files.write_bytes(args.output, page.render(study).encode())
    print(f"Written: {args.output}")
