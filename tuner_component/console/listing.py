"""`list`: the studies below a directory."""

import argparse
import json
import logging
import os
from typing import Any

from tuner_component.console import text
from tuner_component.console.errors import NoResultError
from tuner_component.console.place import Place, standing
from tuner_component.report.finding import everywhere_below
from tuner_component.report.record import FAILED, StudyRecord
from tuner_component.search.errors import SearchError
from tuner_component.search.storage import files
from tuner_component.search.study import times

_log = logging.getLogger(__name__)


def run(args: argparse.Namespace) -> None:
    """Runs the command.

    Raises:
        NoResultError: If there is no study.
        ValueError: If there is no such directory.
    """
    directory = args.directory
    if not files.exists(directory):
        raise ValueError(
            f"Expected a directory with studies below it. Received: {directory}, and "
            "there is no such directory."
        )
    found = studies(directory)
    if args.json:
        print(json.dumps([facts(study, place) for place, study in found]))
        return
    if not found:
        raise NoResultError(
            f"Expected studies below '{directory}'. Received: none that can be read. Name "
            "the directory of a search (`tune --out`), of a pipeline, or one above them."
        )
    print("\n".join(map(text.printable, _lines(found, directory))))


def studies(directory: str) -> list[tuple[Place, StudyRecord]]:
    """The studies below a directory, each once; the one that started last comes first."""
    found: dict[str, tuple[Place, StudyRecord]] = {}
    for path in everywhere_below(directory):
        try:
            place = Place.of(path)
            study = place.load()
        except (SearchError, OSError, ValueError) as error:
            _log.warning("Passing over %s: %s", path, error)
            continue
        # The results of a study are copies of it, if both are here.
        key = _whole(place.own or place.found)
        if key not in found or place.found == place.own:
            found[key] = place, study
    return sorted(
        found.values(),
        key=lambda one: times.moment(one[1].created),
        reverse=True,
    )


def _whole(path: str) -> str:
    return path if files.is_remote(path) else os.path.abspath(path)


def facts(study: StudyRecord, place: Place) -> dict[str, Any]:
    """What a list says of a study, for programs."""
    best = study.best
    return {
        "study": study.study_id,
        "directory": place.own or place.found,
        "status": standing(study, place.holder()),
        "created": study.created,
        "objective": study.objective.name if study.objective else None,
        "max_trials": study.max_trials,
        "completed": len(study.completed),
        "failed": len(study.with_status(FAILED)),
        "best": best and {"trial": best.trial_id, "score": best.score},
    }


def _lines(found: list[tuple[Place, StudyRecord]], directory: str) -> list[str]:
    """Two lines for each study: a path is as long as it is."""
    rows = []
    for place, study in found:
        failed = len(study.with_status(FAILED))
        total = f" of {study.max_trials}" if study.max_trials else ""
        best = study.best
        name = study.objective.name if study.objective else "score"
        rows.append(
            [
                text.moment(times.moment(study.created))[:16],
                standing(study, place.holder()),
                f"{len(study.completed)}{total} completed"
                + (f", {failed} failed" if failed else ""),
                f"{name} {text.value(best.score)}" if best else "",
            ]
        )
    table, _ = text.table(["started", "status", "trials", "best"], rows, None)
    lines = table[:1]
    for row, (place, _) in zip(table[1:], found, strict=True):
        lines += [row, f"  {_short(place.own or place.found, directory)}"]
    return lines


def _short(path: str, directory: str) -> str:
    """A path as it can be given to the next command, from here."""
    if files.is_remote(path):
        return path
    local = files.local_path(path)
    near = os.path.relpath(local)
    return near if len(near) < len(local) else local
