"""Publishing what a search found: the files and properties of the output artifacts."""

import json
import logging
import os
from collections.abc import Mapping

from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils

from tuner_component.report import page
from tuner_component.report.record import FAILED, RECORD_FILE, StudyRecord
from tuner_component.results.loading import (
    BEST_HYPERPARAMETERS_FILE,
    TUNER_RESULTS_FILE,
)
from tuner_component.search.oracle.result import SearchResult

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
    """
    files = _texts(result, study, output_dict)
    _write(files)
    for key in (specs.TUNER_RESULTS_KEY, specs.BEST_HYPERPARAMETERS_KEY):
        _describe(artifact_utils.get_single_instance(output_dict[key]), result, study)
    _log.info("Best hyperparameters: %s", result.best_hyperparameters["values"])
    for path in files:
        _log.info("Written: %s", path)


def _texts(
    result: SearchResult,
    study: StudyRecord,
    output_dict: Mapping[str, list[types.Artifact]],
) -> dict[str, str]:
    """The text of each file, by its path.

    All are text before one is written: a value that JSON cannot hold leaves no artifact
    behind.
    """
    rows = [
        {"trial_id": trial["trial_id"], "score": trial["score"], **values}
        for trial in result.completed
        if (values := trial["hyperparameters"]["values"])
    ]
    results = {
        TUNER_RESULTS_FILE: json.dumps(rows),
        RECORD_FILE: study.to_json(),
        **_report(study),
    }
    best = {BEST_HYPERPARAMETERS_FILE: json.dumps(result.best_hyperparameters)}
    return {
        os.path.join(artifact_utils.get_single_uri(output_dict[key]), name): text
        for key, texts in (
            (specs.TUNER_RESULTS_KEY, results),
            (specs.BEST_HYPERPARAMETERS_KEY, best),
        )
        for name, text in texts.items()
    }


def _write(files: Mapping[str, str]) -> None:
    """Writes all files, or none."""
    written: list[str] = []
    try:
        for path, text in files.items():
            written.append(path)  # First: what fails may leave half a file.
            io_utils.write_string_file(path, text)
    except Exception:
        for path in written:
            if fileio.exists(path):
                fileio.remove(path)
        raise


def _report(study: StudyRecord) -> dict[str, str]:
    """The report, by its file's name; none if it cannot be drawn.

    A fault in the report must not cost the result of a search.
    """
    try:
        return {page.REPORT_FILE: page.render(study)}
    except Exception:  # noqa: BLE001
        _log.exception("Publishing the results without a report of the search:")
        return {}


def _describe(
    artifact: types.Artifact, result: SearchResult, study: StudyRecord
) -> None:
    """Tells ML Metadata, and what shows it, what was found."""
    artifact.set_string_custom_property("objective", result.objective)
    artifact.set_string_custom_property("direction", result.direction)
    artifact.set_float_custom_property("best_score", result.completed[0]["score"])
    artifact.set_string_custom_property("best_trial", result.completed[0]["trial_id"])
    artifact.set_int_custom_property("completed_trials", len(result.completed))
    artifact.set_int_custom_property("failed_trials", len(study.with_status(FAILED)))
    artifact.set_string_custom_property("study", study.study_id)
