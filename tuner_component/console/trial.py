"""`show`: all that is known of one trial."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from tuner_component.console import text
from tuner_component.console.place import Place, trial_named
from tuner_component.report.record import StudyRecord, TrialRecord
from tuner_component.search.storage import files

# Lines of a traceback. The whole of it is in study.json, and what was printed in the log.
_MESSAGE = 40


def run(args: argparse.Namespace) -> None:
    """Runs the command.

    Raises:
        ValueError: If there is no such trial.
    """
    place = Place.of(args.study)
    study = place.load()
    trial_id = trial_named(study, args.trial)
    trials = (*study.trials, *study.reruns)
    trial = next(trial for trial in trials if trial.trial_id == trial_id)
    if args.json:
        print(json.dumps(_facts(study, trial, place)))
    else:
        print("\n".join(map(text.printable, _lines(study, trial, place))))


def _facts(study: StudyRecord, trial: TrialRecord, place: Place) -> dict[str, Any]:
    """As in study.json, and where the log is."""
    content = json.loads(study.to_json())
    known = (*content["trials"], *content["reruns"])
    found: dict[str, Any] = next(t for t in known if t["trial_id"] == trial.trial_id)
    told = {"duration_s": trial.duration_s, "epochs": trial.epochs}
    return {**found, **told, "log": place.log(trial.trial_id)}


def _lines(study: StudyRecord, trial: TrialRecord, place: Place) -> Iterator[str]:
    yield f"Trial {trial.trial_id} of study {study.study_id}: {_how(study, trial)}."
    for one in study.requests:
        if one.trial == trial.trial_id:
            yield one.told
    if trial.confirms is not None:
        yield f"It runs trial {trial.confirms} again, with another seed."
    yield ""
    yield from _pairs("Hyperparameters", trial.hyperparameters)
    if trial.metrics:
        step = "" if trial.best_step is None else f", at step {trial.best_step}"
        yield from _pairs(f"Metrics of its best epoch{step}", trial.metrics)
    yield from _curves(trial)
    yield from _attempts(trial)
    if trial.seed is not None:
        yield f"Seed: {trial.seed}"
    log = place.log(trial.trial_id)
    if log is not None and files.exists(log):
        yield f"Log: {log}"
    if trial.message:
        lines = trial.message.splitlines()
        yield ""
        yield "What it failed with:"
        if len(lines) > _MESSAGE:
            yield f"  [{len(lines) - _MESSAGE} lines before; --json has all]"
        yield from (f"  {line}" for line in lines[-_MESSAGE:])


def _how(study: StudyRecord, trial: TrialRecord) -> str:
    name = study.objective.name if study.objective else "score"
    told = trial.status.lower()
    if trial.score is not None:
        told += f", {name} {text.value(trial.score)}"
        ids = [one.trial_id for one in study.completed]
        if trial.trial_id in ids and study.objective is not None:
            told += f", place {ids.index(trial.trial_id) + 1} of {len(ids)}"
    if trial.stopped is not None:
        told += f", stopped by {trial.stopped.rule}"
        if trial.stopped.epoch is not None:
            told += f" after epoch {trial.stopped.epoch + 1}"
    return told


def _pairs(title: str, values: Any) -> Iterator[str]:
    yield f"{title}:"
    wide = max(map(len, values), default=0)
    for name, value in values.items():
        yield f"  {name.ljust(wide)}  {text.value(value)}"
    yield ""


def _curves(trial: TrialRecord) -> Iterator[str]:
    """The curve of each metric, of each training."""
    several = len(trial.executions) > 1
    for number, curves in enumerate(trial.executions):
        known = {n: [v for v in c if v is not None] for n, c in curves.items()}
        if not any(known.values()):
            continue
        epochs = max(map(len, known.values()))
        yield f"Training {number + 1}:" if several else f"Curves of {epochs} epochs:"
        wide = max(map(len, known))
        for name, curve in known.items():
            if curve:
                ends = f"{text.value(curve[0])} -> {text.value(curve[-1])}"
                yield f"  {name.ljust(wide)}  {text.sparkline(curve)}  {ends}".rstrip()
        yield ""


def _attempts(trial: TrialRecord) -> Iterator[str]:
    if trial.duration_s is not None:
        yield f"It took {text.duration(trial.duration_s)}."
    for number, one in enumerate(trial.attempts, 1):
        took = (
            f", {text.duration(one.ended - one.started)}"
            if one.started is not None and one.ended is not None
            else ""
        )
        where = one.worker or "this process"
        told = f"{one.outcome}, on {where}, from {text.moment(one.started)}{took}"
        first = (one.reason or "").strip().splitlines()
        yield f"Attempt {number}: {told}" + (f": {first[-1][:200]}" if first else "")
