"""Looking at a search, running or finished: `status`, `best` and `report`."""

import argparse
import collections
import json
import time
from typing import Any

from tuner_component.report.loading import load_study
from tuner_component.report.record import FAILED, RUNNING, StudyRecord, TrialRecord
from tuner_component.search.storage import files

_STUDY_HELP = (
    "the directory that `tune` wrote to, a TunerResults artifact, a study's directory, "
    "or the directory of a pipeline's Tuner; a path or URI"
)


class NoResultError(Exception):
    """There is nothing to show yet."""


def add_to(commands: Any) -> None:
    """Adds the commands to a parser's."""
    status = _command(commands, "status", "say how a search is going", _status)
    status.add_argument("--json", action="store_true", help="as JSON, for programs")
    best = _command(commands, "best", "print the best hyperparameters", _best)
    best.add_argument(
        "--format",
        choices=("text", "json", "yaml"),
        default="text",
        help="text (default) is what an importer node takes, as the only file, named "
        "best_hyperparameters.txt, in a directory; json and yaml have the values alone",
    )
    best.add_argument("--output", metavar="FILE", help="write it there")
    report = _command(commands, "report", "draw the report of a search", _report)
    report.add_argument(
        "--output", metavar="FILE", default="report.html", help="default: %(default)s"
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
        "best": best and {"trial": best.trial_id, "score": best.score},
    }


def summary(study: StudyRecord) -> list[str]:
    """How a study is going, in lines for people."""
    failed = study.with_status(FAILED)
    total = f" of {study.max_trials}" if study.max_trials else ""
    lines = [
        f"Study {study.study_id}, begun {study.created}: {study.status}.",
        f"{len(study.completed)}{total} trials completed, {len(failed)} failed.",
    ]
    if study.best is not None:
        name = study.objective.name if study.objective else "score"
        lines.append(
            f"Best {name}: {study.best.score:.6g}, by trial {study.best.trial_id}."
        )
    if study.status == "finished":
        running = []
    else:
        running = study.with_status(RUNNING)
    if running:
        lines.append("Not ended (or interrupted, where nobody works on the study):")
        lines += [f"  trial {t.trial_id} {_since(t)}" for t in running]
    causes = collections.Counter(trial.cause for trial in failed)
    if causes:
        lines.append("Failures:")
        lines += [f"  {count} x {cause}" for cause, count in causes.most_common(10)]
    return lines


def _since(trial: TrialRecord) -> str:
    if trial.started is None:
        return "waits for a worker"
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(trial.started))
    return f"on {trial.worker} since {when}"


def _best(args: argparse.Namespace) -> None:
    study = load_study(args.study)
    if study.best is None:
        raise NoResultError(
            f"Expected a completed trial in {args.study}. Received: none of "
            f"{len(study.trials)} trials has completed. See `tuner-component status`."
        )
    text = formatted(study, study.best, args.format)
    if args.output:
        files.write_bytes(args.output, text.encode())
    else:
        print(text)


def formatted(study: StudyRecord, trial: TrialRecord, form: str) -> str:
    """The hyperparameters of a trial, in a format that others read.

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
    # Plotly takes a moment to import; the other commands do without.
    from tuner_component.report import page

    files.write_bytes(args.output, page.render(study).encode())
    print(f"Written: {args.output}")
