"""Publishing what a search found: the files and properties of the output artifacts.

The numbers come first, and all or none of them. The picture comes last, and its faults
cost nothing else. What an earlier execution published in the same place is there until
the new is whole.
"""

import contextlib
import json
import logging
import urllib.parse
from collections.abc import Mapping

from tfx import types
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs

from tuner_component.report import page
from tuner_component.report.record import FAILED, RECORD_FILE, StudyRecord
from tuner_component.results.loading import (
    BEST_HYPERPARAMETERS_FILE,
    TUNER_RESULTS_FILE,
    column_of,
)
from tuner_component.search import events
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


def publish(
    result: SearchResult,
    study: StudyRecord,
    output_dict: Mapping[str, list[types.Artifact]],
) -> None:
    """Writes the files of both artifacts, or none, and sets their properties.

    Args:
        result: Of a search with at least one completed trial.
        study: Everything that happened in it.
        output_dict: The component's output artifacts by their keys.

    Raises:
        StorageError: If they cannot be written; what was published before is there still.
    """
    best = artifact_utils.get_single_instance(
        output_dict[specs.BEST_HYPERPARAMETERS_KEY]
    )
    results = artifact_utils.get_single_instance(output_dict[specs.TUNER_RESULTS_KEY])
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
        files.join(results.uri, TUNER_RESULTS_FILE): json.dumps(rows),
        files.join(results.uri, RECORD_FILE): study.to_json(),
        files.join(best.uri, BEST_HYPERPARAMETERS_FILE): json.dumps(
            result.best_hyperparameters
        ),
    }
    # Not beside the best hyperparameters, which must be alone in their directory, also
    # after a crash.
    name = f".publishing-{urllib.parse.quote(study.study_id, safe='')}"
    _replace(texts, files.join(results.uri, name))
    for artifact in (results, best):
        _describe(artifact, result, study)
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
    _report(study, files.join(results.uri, page.REPORT_FILE))


class NameWatcher:
    """An observer of a search that warns of hyperparameters with names of columns."""

    def __init__(self) -> None:
        self._warned: set[str] = set()

    def __call__(self, event: events.Event) -> None:
        """Looks at the names that an event brings."""
        if isinstance(event, events.SearchStarted):
            names = {entry["config"]["name"] for entry in event.space}
        elif isinstance(event, events.TrialStarted):
            names = set(event.values)
        else:
            return
        for name in sorted(names - self._warned):
            self._warned.add(name)
            if (column := column_of(name)) != name:
                _log.warning(
                    "The hyperparameter %r is the column %r of %s, where %r is the "
                    "trial's own. It keeps its name everywhere else. Another name for it "
                    "avoids mistakes.",
                    *(name, column, TUNER_RESULTS_FILE, name),
                )


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


def _report(study: StudyRecord, path: str) -> None:
    """Draws the report; leaves none behind, not even an older one, if that fails."""
    try:
        files.write_bytes(path, page.render(study).encode())
    except Exception:  # noqa: BLE001
        _log.exception("The results are published, without a report of the search:")
        with contextlib.suppress(StorageError):
            files.remove(path)
    else:
        _log.info("Written: %s", path)


def _describe(
    artifact: types.Artifact, result: SearchResult, study: StudyRecord
) -> None:
    """Tells ML Metadata, and what shows it, what was found."""
    best = result.completed[0]
    for name, text in (
        ("objective", result.objective),
        ("direction", result.direction),
        ("best_trial", best["trial_id"]),
        ("study", study.study_id),
    ):
        # Names and ids may hold what is in no text: see `page.render`.
        known = text.encode(errors="backslashreplace").decode()
        artifact.set_string_custom_property(name, known)
    if study.objectives or study.constraints:
        artifact.set_int_custom_property("goals_met", int(result.unmet is None))
        artifact.set_int_custom_property("front_trials", len(result.front))
    artifact.set_float_custom_property("best_score", best["score"])
    artifact.set_int_custom_property("completed_trials", len(result.completed))
    artifact.set_int_custom_property("failed_trials", len(study.with_status(FAILED)))
