"""The trials of a study as a CSV file."""

from tuner_component.report.record import StudyRecord
from tuner_component.search.storage import files


def export(study: StudyRecord, path: str) -> int:
    """Writes a row for each trial, with the columns of `StudyRecord.to_frame`.

    Args:
        study: The study.
        path: The file, a path or URI.

    Returns:
        How many trials there are.

    Raises:
        StorageError: If it cannot be written.
    """
    text: str = study.to_frame().to_csv(index=False)
    files.write_output(path, text.encode(errors="backslashreplace"))
    return len(study)
