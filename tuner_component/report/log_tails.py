"""The ends of trials' logs: a report has those of the trials that people ask about."""

from collections.abc import Iterable, Mapping

from tuner_component.report.record import FAILED, RUNNING, StudyRecord, TrialRecord
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files, names

# So many logs are looked at, and so much of each: a report is sent by mail, and logs of
# ten trials may be longer than all the rest.
_LOGS, _BYTES = 50, 4000


def log_file(directory: str, trial_id: str) -> str:
    """Where the log of a trial is, or would be.

    Args:
        directory: Path or URI of the study.
        trial_id: The trial.
    """
    return files.join(directory, "trials", names.component(trial_id), "log.txt")


def tails(study: StudyRecord, directory: str | None) -> Mapping[str, str]:
    """The last lines that the best, the failed and the running trials printed.

    Args:
        study: The study.
        directory: Path or URI of the directory that its search works in; None if only its
            results are here.

    Returns:
        Texts by the ids of trials, without those that have no log.
    """
    if directory is None:
        return {}
    found = {}
    for trial in list(_asked_about(study))[:_LOGS]:
        try:
            path = log_file(directory, trial.trial_id)
            data, is_whole = files.read_end(path, _BYTES)
        except (FileNotFoundError, StorageError):
            continue  # A report without a log is better than none.
        text = data.decode(errors="replace")
        if not is_whole:
            text = f"[...]\n{text.partition(chr(10))[2] or text}"
        if text.strip():
            found[trial.trial_id] = text
    return found


def _asked_about(study: StudyRecord) -> Iterable[TrialRecord]:
    if study.best is not None:
        yield study.best
    for status in (FAILED, RUNNING):
        yield from reversed(study.with_status(status))
