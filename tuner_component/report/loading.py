"""Loading the record of a study, from its artifact or from its directory."""

import json
import os

from tuner_component.report import folding
from tuner_component.report.record import KIND, RECORD_FILE, StudyRecord
from tuner_component.search.storage import files
from tuner_component.search.study.history import read_history


def load_study(uri: str | os.PathLike[str]) -> StudyRecord:
    """Loads all that is known of a study, whether it is running or finished.

    Needs neither the user's code nor TFX; TensorFlow only to read paths with a scheme
    (`gs://...`).

    Args:
        uri: A TunerResults artifact, or its `study.json`; or the directory of a study,
            which may be running. Paths, or URIs.

    Returns:
        Typed objects; `to_frame()` gives a pandas frame of the trials.

    Raises:
        FileNotFoundError: If there is no study.
        ValueError: If it is something else, or of a newer version.
        StorageError: If it cannot be read.
    """
    path = os.fspath(uri).rstrip("/")
    directory, name = os.path.split(path)
    if name != RECORD_FILE:
        directory, path = path, files.join(path, RECORD_FILE)
    try:
        data = files.read_bytes(path)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"Expected a study, or the TunerResults artifact of one, at {directory}. "
            f"Received: nothing with a {RECORD_FILE} in it. Name the artifact that the "
            "Tuner published, or the study's directory, which its log names."
        ) from None
    description = _description(data)
    if description is None:
        return StudyRecord.from_json(data, path)
    return folding.study_record(read_history(directory, description["id"]), description)


def _description(data: bytes) -> dict[str, str] | None:
    """What a study's own directory says of it; None if this is something else."""
    try:
        content = json.loads(data)
    except ValueError:
        return None
    if not isinstance(content, dict) or content.get("kind") == KIND:
        return None
    return content if {"id", "fingerprint"} <= content.keys() else None
