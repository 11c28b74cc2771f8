"""`best`: the best hyperparameters, for people, for programs and for a pipeline."""

import argparse
import json
import sys
from typing import Any

from tuner_component.cli.quiet import quieten
from tuner_component.console import text
from tuner_component.console.errors import NoResultError
from tuner_component.console.place import Place
from tuner_component.report.record import StudyRecord, TrialRecord
from tuner_component.search.spelling import counted
from tuner_component.search.storage import files

FORMATS = ("text", "json", "yaml")


def run(args: argparse.Namespace) -> None:
    """Runs the command.

    Raises:
        NoResultError: If there is no best trial, or it may not be the best.
        ValueError: If what the command line names is not as it should be.
    """
    place = Place.of(args.study)
    study = place.load()
    if study.best is None:
        raise NoResultError(
            f"Expected a completed trial in {args.study}, and its objective. Received: "
            f"{counted(len(study.trials), 'trial')}, {len(study.completed)} of them "
            f"completed{'' if study.objective else ', and no record of the objective'}. "
            "See `tuner-component status`."
        )
    if args.module and not args.model:
        raise ValueError("Expected --model DIR with --module. Received: none.")
    if args.json and args.format:
        raise ValueError(
            f"Expected --json or --format. Received: both. --json tells all of the trial, "
            f"--format {args.format} its hyperparameters alone."
        )
    shown = _shown(study, study.best, args)
    if args.output:
        files.write_output(args.output, shown.encode())
    else:
        print(shown, flush=True)
    if args.model:
        _write_model(study, place, args)
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


def _shown(study: StudyRecord, best: TrialRecord, args: argparse.Namespace) -> str:
    if args.json:
        return json.dumps(_facts(study, best), default=str)
    if args.format or args.output:
        return formatted(study, best, args.format or FORMATS[0])
    return "\n".join(_lines(study, best))


def _facts(study: StudyRecord, best: TrialRecord) -> dict[str, Any]:
    return {
        "study": study.study_id,
        "trial": best.trial_id,
        "objective": study.objective.name if study.objective else None,
        "direction": study.objective.direction if study.objective else None,
        "score": best.score,
        "metrics": dict(best.metrics),
        "hyperparameters": dict(best.hyperparameters),
        "completed": len(study.completed),
    }


def _lines(study: StudyRecord, best: TrialRecord) -> list[str]:
    """The best trial for a person."""
    name = study.objective.name if study.objective else "score"
    others = [
        f"{metric} {text.value(number)}"
        for metric, number in best.metrics.items()
        if metric != name
    ]
    place = f"the best of {len(study.completed)} completed"
    told = [
        f"Trial {best.trial_id}: {name} {text.value(best.score)}, {place}.",
        *([f"Also: {', '.join(others)}."] if others else []),
        "",
    ]
    wide = max(map(len, best.hyperparameters), default=0)
    for name, value in best.hyperparameters.items():
        told.append(f"  {name.ljust(wide)}  {text.value(value)}")
    return list(map(text.printable, told))


def _write_model(study: StudyRecord, place: Place, args: argparse.Namespace) -> None:
    quieten(sys.stderr)  # A script may read the hyperparameters.
    print("Importing TFX ...", file=sys.stderr, flush=True)
    from tuner_component.cli import best_model

    best_model.write(study, place.require_own(), args.model, args.module)
    print(f"Written: {args.model}", file=sys.stderr)


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

        shown: str = yaml.safe_dump(values, sort_keys=False)
        return shown.rstrip()
    space = study.spaces.get(trial.space, [])
    return json.dumps({"space": list(space), "values": values})
