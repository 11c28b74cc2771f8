"""Looking at a search, running or finished: `status`, `best` and `report`."""

import argparse
import collections
import dataclasses
import json
import time
from typing import Any

from tuner_component.report import confirmation
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
# Trials of a front that are shown.
_ON_FRONT = 20


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
        "front": [_point(study, t) for t in study.on_front],
        "constraints": list(study.constraints),
        "shortfall": study.shortfall,
        "best": best and {"trial": best.trial_id, "score": best.score},
        "confirmation": study.confirmation and dataclasses.asdict(study.confirmation),
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
    if study.best is not None and study.objectives:
        lines += _front(study)
    elif study.best is not None:
        name = study.objective.name if study.objective else "score"
        lines.append(
            f"Best {name}: {study.best.score:.6g}, by trial {study.best.trial_id}."
        )
        lines += _sure(study, name)
    elif study.completed:
        lines.append("Which trial is best is not known: the objective is lost.")
    if study.constraints and study.shortfall is None and study.best is not None:
        lines.append(f"It meets {' and '.join(study.constraints)}.")
    if study.shortfall is not None:
        lines.append(f"Not as it was wanted: {study.shortfall}.")
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
        again = [trial for trial in study.reruns if trial.status == RUNNING]
        running = [*study.with_status(RUNNING), *again]
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


def _sure(study: StudyRecord, objective: str) -> list[str]:
    """What the re-runs of the best trials say of them."""
    if study.confirmation is None:
        return []
    told = confirmation.sentences(study.confirmation, objective)
    return [*told, *confirmation.warnings(study.confirmation)]


def _front(study: StudyRecord) -> list[str]:
    """A line for each trial of the front, the published one first."""
    if study.best is None or not study.on_front:
        return []
    names = ", ".join(f"{one.name} ({one.direction})" for one in study.objectives)
    count = len(study.front)
    trials = f"{count} trial{'s' if count > 1 else ''}"
    best = f"trial {study.best.trial_id}, the closest to the ideal point, is the best"
    lines = [f"The front of {names} has {trials}; {best}:"]
    for trial in study.on_front[:_ON_FRONT]:
        values = _point(study, trial)["values"].items()
        told = ", ".join(f"{name} {value:.6g}" for name, value in values)
        lines.append(f"  trial {trial.trial_id}: {told}")
    if count > _ON_FRONT:
        lines.append(f"  and {count - _ON_FRONT} more; see `tuner-component report`")
    return lines


def _point(study: StudyRecord, trial: TrialRecord) -> dict[str, Any]:
    values = {one.name: trial.metrics[one.name] for one in study.objectives}
    return {"trial": trial.trial_id, "values": values}


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
    if study.shortfall is not None:
        # Printed, since it is the best there is; but no script must take it for more.
        raise NoResultError(
            f"Expected what the search was to find in {args.study}. Received: "
            f"{study.shortfall}. Loosen the constraints, or try more trials."
        )
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
