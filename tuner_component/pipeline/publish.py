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
    """Writes the files of both artifacts, or none, and gives them their properties.

    Args:
        result: Of a search with at least one completed trial.
        study: Everything that happened in it.
        output_dict: The component's output artifacts by their keys.
    """
    best = result.best_hyperparameters
    rows = [
        {"trial_id": trial["trial_id"], "score": trial["score"], **values}
        for trial in result.completed
        if (values := trial["hyperparameters"]["values"])
    ]
    # All are text before one is written: a value that JSON cannot hold leaves no
    # artifact behind.
    results = {
        TUNER_RESULTS_FILE: json.dumps(rows),
        RECORD_FILE: study.to_json(),
        **_report(study),
    }
    best_text = json.dumps(best)
    files = {
        _path(output_dict, specs.TUNER_RESULTS_KEY, name): text
        for name, text in results.items()
    }
    files[
        _path(output_dict, specs.BEST_HYPERPARAMETERS_KEY, BEST_HYPERPARAMETERS_FILE)
    ] = best_text
    written: list[str] = []
    try:
        for path, text in files.items():
            written.append(path)
            io_utils.write_string_file(path, text)
    except Exception:
        for path in written:
            if fileio.exists(path):
                fileio.remove(path)
        raise
    for key in (specs.TUNER_RESULTS_KEY, specs.BEST_HYPERPARAMETERS_KEY):
        _describe(artifact_utils.get_single_instance(output_dict[key]), result, study)
    _log.info("Best hyperparameters: %s", best["values"])
    for path in files:
        _log.info("Written: %s", path)


def _report(study: StudyRecord) -> dict[str, str]:
    """The report, by its file's name; none if it cannot be drawn.

    Nobody should lose the result of a search to a picture of it.
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


def _path(output_dict: Mapping[str, list[types.Artifact]], key: str, name: str) -> str:
    return os.path.join(artifact_utils.get_single_uri(output_dict[key]), name)
