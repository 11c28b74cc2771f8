"""The files that tell what a search found.

The numbers come first, and all or none of them. The picture comes last, and its faults
cost nothing else. What an earlier execution published in the same place is there until
the new is whole.
"""

import contextlib
import json
import logging
import urllib.parse
from collections.abc import Mapping

from tuner_component.report import page
from tuner_component.report.record import RECORD_FILE, StudyRecord
from tuner_component.results.loading import (
    BEST_HYPERPARAMETERS_FILE,
    TUNER_RESULTS_FILE,
    column_of,
)
from tuner_component.search.errors import StorageError
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.storage import faults, files

_ASIDE = faults.declare(
    "publish.numbers.aside",
    "the new results are written, the old ones have their names",
)
_MOVED = faults.declare(
    "publish.numbers.moved", "one more file of the new results has got its name"
)
_DONE = faults.declare(
    "publish.numbers.done", "all results have their names, the report is not drawn yet"
)

# Trials of a front that are named; all are in the record.
_NAMED = 20

_log = logging.getLogger(__name__)


def write_numbers(
    result: SearchResult,
    study: StudyRecord,
    best_directory: str,
    results_directory: str,
) -> None:
    """Writes the best hyperparameters, the table of trials and the record, or none.

    Args:
        result: Of a search with at least one completed trial.
        study: Everything that happened in it.
        best_directory: Path or URI, for the best hyperparameters alone.
        results_directory: Path or URI, for all else.

    Raises:
        StorageError: If they cannot be written; what was published before is there still.
    """
    rows = [
        {
            "trial_id": trial["trial_id"],
            "score": trial["score"],
            **{column_of(name): value for name, value in values.items()},
        }
        for trial in result.completed
        if (values := trial["hyperparameters"]["values"])
    ]
    texts = {
        files.join(results_directory, TUNER_RESULTS_FILE): json.dumps(rows),
        files.join(results_directory, RECORD_FILE): study.to_json(),
        files.join(best_directory, BEST_HYPERPARAMETERS_FILE): json.dumps(
            result.best_hyperparameters
        ),
    }
    replaces = _replaced(study, files.join(results_directory, RECORD_FILE))
    # Not beside the best hyperparameters, which must be alone in their directory, also
    # after a crash.
    name = f".publishing-{urllib.parse.quote(study.study_id, safe='')}"
    _replace(texts, files.join(results_directory, name))
    if replaces is not None:
        _log.info("%s", replaces)
    if result.unmet is not None:
        _log.error(
            "What is published is not what was looked for: %s. It is the best that was "
            "found. Its artifacts have goals_met = 0. Loosen the constraints, or "
            "try more trials.",
            result.unmet,
        )
    if result.front:
        ids = f"{', '.join(result.front[:_NAMED])}{', ...' * (len(result.front) > _NAMED)}"
        _log.info("Trials of the front, the published one first: %s", ids)
    _log.info("Best hyperparameters: %s", result.best_hyperparameters["values"])
    for path in texts:
        _log.info("Written: %s", path)
    faults.point(_DONE)


def draw_report(
    study: StudyRecord, results_directory: str, study_directory: str | None = None
) -> None:
    """Draws the report; leaves none behind, not even an older one, if that fails.

    Args:
        study: Everything that happened in the search.
        results_directory: Path or URI of where its record is.
        study_directory: Path or URI of where its search works, and logs are; None if that
            is not here.
    """
    path = files.join(results_directory, page.REPORT_FILE)
    try:
        files.write_bytes(path, page.render(study, directory=study_directory).encode())
    except Exception:  # noqa: BLE001
        _log.exception("The results are published, without a report of the search:")
        with contextlib.suppress(StorageError):
            files.remove(path)
    else:
        _log.info("Written: %s", path)


def _replaced(study: StudyRecord, path: str) -> str | None:
    """Says that the results of another study are there; None if there are none."""
    try:
        before = StudyRecord.from_json(files.read_bytes(path), path)
    except (FileNotFoundError, StorageError, ValueError):
        return None  # What cannot be read has nothing to say.
    if before.study_id == study.study_id:
        return None
    best = before.best
    score = "" if best is None or best.score is None else f" (best {best.score:.6g})"
    return f"This replaces the results of study {before.study_id}{score}."


def _replace(texts: Mapping[str, str], aside: str) -> None:
    """Writes all files, or none.

    They are written aside first: what takes time or space fails while the old files are
    as they were. A crash between two moves leaves a whole file, old or new, at each path;
    the same search, run again, publishes all of them again.

    Args:
        texts: The content of each file by its path.
        aside: A directory that is there only meanwhile.
    """
    try:
        files.remove_tree(aside)  # Of an execution that was killed.
        files.makedirs(aside)
        moves = {}
        for number, (path, text) in enumerate(texts.items()):
            files.makedirs(path.rpartition("/")[0])
            moves[path] = files.join(aside, str(number))
            files.write_bytes(moves[path], text.encode())
        faults.point(_ASIDE)
        _move(moves)
    finally:
        with contextlib.suppress(StorageError):
            files.remove_tree(aside)


def _move(moves: Mapping[str, str]) -> None:
    """Moves files to the paths that are the keys; if one fails, all are as before."""
    before = {path: _content(path) for path in moves}
    try:
        for path, source in moves.items():
            files.move(source, path)
            faults.point(_MOVED)
    except BaseException:
        for path, data in before.items():
            try:
                files.remove(path) if data is None else files.write_bytes(path, data)
            except StorageError:
                _log.exception("Could not put back what was published at %s:", path)
        raise


def _content(path: str) -> bytes | None:
    try:
        return files.read_bytes(path)
    except FileNotFoundError:
        return None
