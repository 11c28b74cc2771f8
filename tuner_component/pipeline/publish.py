"""Publishing what a search found as the component's output artifacts."""

from collections.abc import Mapping

from tfx import types
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs

from tuner_component.publishing import files
from tuner_component.report.record import FAILED, StudyRecord
from tuner_component.search.oracle.result import SearchResult


def publish(
    result: SearchResult,
    study: StudyRecord,
    output_dict: Mapping[str, list[types.Artifact]],
    study_directory: str | None = None,
) -> None:
    """Writes the files of both artifacts, or none, and sets their properties.

    Args:
        result: Of a search with at least one completed trial.
        study: Everything that happened in it.
        output_dict: The component's output artifacts by their keys.
        study_directory: Path or URI of where the search works, and logs are.

    Raises:
        StorageError: If they cannot be written; what was published before is there still.
    """
    best = artifact_utils.get_single_instance(
        output_dict[specs.BEST_HYPERPARAMETERS_KEY]
    )
    results = artifact_utils.get_single_instance(output_dict[specs.TUNER_RESULTS_KEY])
    files.write_numbers(result, study, best.uri, results.uri)
    for artifact in (results, best):
        describe(artifact, result, study)
    files.draw_report(study, results.uri, study_directory)


def describe(
    artifact: types.Artifact, result: SearchResult, study: StudyRecord
) -> None:
    """Tells ML Metadata, and what shows it, what was found.

    Args:
        artifact: One of the component's.
        result: Of a search with at least one completed trial.
        study: Everything that happened in it.
    """
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
    confirmed = study.confirmation.confirmed if study.confirmation else []
    if confirmed and (mean := confirmed[0].mean) is not None:
        artifact.set_float_custom_property("best_confirmed_mean", mean)
    artifact.set_int_custom_property("completed_trials", len(result.completed))
    artifact.set_int_custom_property("failed_trials", len(study.with_status(FAILED)))
