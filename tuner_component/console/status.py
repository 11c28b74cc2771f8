"""`status`: how a search is going, once or as long as it runs."""

import argparse
import collections
import contextlib
import dataclasses
import json
import sys
import time
from typing import Any

from tuner_component.console import board, text
from tuner_component.console.place import FINISHED, OVER, Place, standing
from tuner_component.report import confirmation
from tuner_component.report.progress import seconds_left
from tuner_component.report.record import (
    FAILED,
    PAUSED,
    RUNNING,
    StudyRecord,
    TrialRecord,
)
from tuner_component.search.lock import lock
from tuner_component.search.spelling import counted
from tuner_component.search.storage import files
from tuner_component.search.study import times

# Characters of the reason of a failure. The whole of it is in study.json.
_CAUSE = 300
# Trials of a front, and of those that run, which are shown.
_ON_FRONT, _RUNNING = 20, 20
# Seconds between two looks at a search, and of how many looks one may take the time: a
# long journal in a bucket takes a while to read.
_AGAIN_S, _SHARE = 2.0, 10


def run(args: argparse.Namespace) -> None:
    """Runs the command."""
    place = Place.of(args.study)
    if args.watch:
        with contextlib.suppress(KeyboardInterrupt):  # It only looked.
            _watch(place, args.json)
        return
    show(place, args.json)


def show(place: Place, as_json: bool, **more: Any) -> None:
    """Prints how a search is going.

    Args:
        place: Where it is.
        as_json: For a program.
        more: What the JSON tells as well.
    """
    holder = place.holder()  # First, as in `_looks`.
    study = place.load()
    if as_json:
        print(json.dumps({**facts(study, place), **more}))
    else:
        print("\n".join(_told(study, place, holder, text.width())))


def _watch(place: Place, as_json: bool) -> None:
    """Shows a search until it is over, or nobody works on it any more."""
    if as_json or not sys.stdout.isatty():
        _watch_lines(place, as_json)
    else:
        _watch_live(place)


def _looks(place: Place) -> Any:
    """What there is to see of a search, again and again until nothing more happens."""
    while True:
        holder = place.holder()  # First: what it wrote before it went is seen then.
        began = time.monotonic()
        study = place.load()
        took = time.monotonic() - began
        is_over = standing(study, holder) in OVER
        yield study, holder, is_over or place.own is None
        if is_over or place.own is None:
            return
        time.sleep(max(_AGAIN_S, _SHARE * took))


def _watch_live(place: Place) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console()
    ended: list[str] = []
    with Live(console=console, screen=True, auto_refresh=False) as live:
        for study, holder, is_over in _looks(place):
            ended = _told(study, place, holder, console.width)
            live.update(Text("\n".join(ended[: console.height])), refresh=True)
            if is_over:
                break
    print("\n".join(ended))  # The view is gone with the screen that it was on.


def _watch_lines(place: Place, as_json: bool) -> None:
    """Prints what has changed: for a log, or a program that reads lines."""
    before: list[str] = []
    for study, holder, is_over in _looks(place):
        if as_json:
            # Of two looks at the same, the time that is left alone differs.
            told = facts(study, place)
            now, lines = [json.dumps({**told, "seconds_left": 0})], [json.dumps(told)]
        elif is_over:
            now = lines = _told(study, place, holder)
        else:
            now = [_counts(study), *_best(study)]
            lines = [text.printable(" ".join(now))]
        if now != before:
            print("\n".join(lines), flush=True)
        before = now


def facts(study: StudyRecord, place: Place) -> dict[str, Any]:
    """How a search is going, for programs."""
    best = study.best
    return {
        "study": study.study_id,
        "directory": place.own,
        "status": study.status,
        "objective": study.objective.name if study.objective else None,
        "direction": study.objective.direction if study.objective else None,
        "max_trials": study.max_trials,
        "completed": len(study.completed),
        "failed": len(study.with_status(FAILED)),
        "failures": {t.trial_id: t.cause for t in study.with_status(FAILED)},
        "retried": {t.trial_id: t.retried for t in study.trials if t.retried},
        "running": [trial.trial_id for trial in study.with_status(RUNNING)],
        "paused": {t.trial_id: t.epochs for t in study.with_status(PAUSED)},
        "seconds_left": seconds_left(study),
        "front": [_point(study, t) for t in study.on_front],
        "constraints": list(study.constraints),
        "shortfall": study.shortfall,
        "best": best and {"trial": best.trial_id, "score": best.score},
        "leaderboard": board.facts(study),
        "confirmation": study.confirmation and dataclasses.asdict(study.confirmation),
        "ended_because": study.ended_because,
        "extensions": [dataclasses.asdict(told) for told in study.extensions],
        "requests": [dataclasses.asdict(told) for told in study.requests],
        "prospect": study.prospect and dataclasses.asdict(study.prospect),
        "losses": list(study.losses),
        "report": place.report,
    }


def _told(
    study: StudyRecord,
    place: Place,
    holder: lock.Holder | None,
    line: int | None = None,
) -> list[str]:
    return [*summary(study, line, holder), *_paths(study, place, holder)]


def summary(
    study: StudyRecord, line: int | None = None, holder: lock.Holder | None = None
) -> list[str]:
    """Returns lines that tell a person how a study is going.

    Args:
        study: The search.
        line: How many characters a row of a table has; None for as many as it needs.
        holder: Who works on it, or was the last to; None if that is not known.
    """
    started = text.moment(times.moment(study.created))
    status = standing(study, holder)
    lines = [f"Study {study.study_id}, started {started}: {status}."]
    lines.append(_counts(study))
    if (left := seconds_left(study)) is not None:
        lines.append(f"About {text.duration(left)} left.")
    lines += _best(study)
    if study.constraints and study.shortfall is None and study.best is not None:
        lines.append(f"It meets {' and '.join(study.constraints)}.")
    if study.shortfall is not None:
        lines.append(f"Not as it was wanted: {study.shortfall}.")
    lines += [one.told for one in study.extensions]
    lines += [one.told for one in study.requests]
    lines += _retried(study)
    lines += [told for told in (study.ended_because, study.outlook) if told]
    lines += _losses(study)
    if table := board.lines(study, line):
        lines += ["", *table, ""]
    lines += [*_running(study, holder), *_paused(study), *_failures(study)]
    return list(map(text.printable, lines))


def _counts(study: StudyRecord) -> str:
    failed = study.with_status(FAILED)
    total = f" of {study.max_trials}" if study.max_trials else ""
    return f"{len(study.completed)}{total} trials completed, {len(failed)} failed."


def _best(study: StudyRecord) -> list[str]:
    """Which trial is the best, or which are, and how sure that is."""
    if study.best is not None and study.objectives:
        return _front(study)
    if study.best is not None:
        name = study.objective.name if study.objective else "score"
        best = f"Best {name}: {study.best.score:.6g}, by trial {study.best.trial_id}."
        return [best, *_sure(study, name)]
    if study.completed:
        return ["Which trial is best is not known: the objective is lost."]
    return []


def _losses(study: StudyRecord) -> list[str]:
    if not study.losses:
        return []
    goes_on = study.finished is not None and study.status != FINISHED
    told = (
        "Something of this study, which was finished, is lost. Run the same search "
        "again, which goes on with it, or put it back from a copy:"
        if goes_on
        else "Something of this study is missing:"
    )
    return [told, *(f"  {loss}" for loss in study.losses)]


def _running(study: StudyRecord, holder: lock.Holder | None) -> list[str]:
    if study.status == FINISHED:
        return []
    again = [trial for trial in study.reruns if trial.status == RUNNING]
    running = [*study.with_status(RUNNING), *again]
    if not running:
        return []
    told = [f"  trial {t.trial_id} {_since(t)}" for t in running[:_RUNNING]]
    if len(running) > _RUNNING:
        told.append(f"  and {len(running) - _RUNNING} more")
    if holder is not None and holder.is_gone:
        return ["Interrupted:", *told]
    return ["Running (or interrupted, if no process works on the study):", *told]


def _paused(study: StudyRecord) -> list[str]:
    if not (paused := study.with_status(PAUSED)):
        return []
    told = [f"  trial {t.trial_id} after epoch {t.epochs}" for t in paused]
    return [
        "Paused, and gone on with if they are worth more than another trial:",
        *told,
    ]


def _failures(study: StudyRecord) -> list[str]:
    failed = study.with_status(FAILED)
    causes = collections.Counter(t.cause or "it left no message" for t in failed)
    if not causes:
        return []
    told = []
    for cause, count in causes.most_common(10):
        shown = cause if len(cause) <= _CAUSE else f"{cause[:_CAUSE]} ..."
        told.append(f"  {count} x {shown}")
    return ["Failures:", *told]


def _paths(study: StudyRecord, place: Place, holder: lock.Holder | None) -> list[str]:
    """Who works on a study, and where its files are."""
    told = []
    if holder is not None and study.status != FINISHED:
        told.append(
            f"No process works on it any more ({holder.name}): the same search goes on "
            "with it."
            if holder.is_gone
            else f"Worked on by: {holder.name}"
        )
    if place.own is not None:
        told.append(f"Study:  {place.own}")
        logs = files.join(place.own, "trials")
        if files.exists(logs):
            told.append(f"Logs:   {files.join(logs, 'TRIAL', 'log.txt')}")
    if report := place.report:
        told.append(f"Report: {report}")
    elif study.completed:
        told.append(f"Report: `tuner-component report {place.given}` writes it.")
    return list(map(text.printable, told))


def _retried(study: StudyRecord) -> list[str]:
    """A line for the trials that had failed and were run again."""
    again = [trial for trial in study.trials if trial.retried]
    if not again:
        return []
    became = collections.Counter(trial.status for trial in again)
    words = {RUNNING: "not ended yet"}
    told = ", ".join(
        f"{count} {words.get(status, status.lower())}"
        for status, count in became.items()
    )
    failed = (
        "1 failed trial was" if len(again) == 1 else f"{len(again)} failed trials were"
    )
    return [f"{failed} run again: {told}."]


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
    trials = counted(count, "trial")
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


def _since(trial: TrialRecord) -> str:
    if trial.started is None:
        return "waiting for a worker"
    return f"on {trial.worker} since {text.moment(trial.started)}"
