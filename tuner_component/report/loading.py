"""Loading the record of a study: from its artifact, its directory, or one above it."""

import logging
import os
from collections.abc import Iterable
from typing import Any

from tuner_component.documents import decoding
from tuner_component.documents.decoding import DecodingError
from tuner_component.report import finding, folding
from tuner_component.report.record import RECORD_FILE, StudyRecord
from tuner_component.report.record_file import KIND
from tuner_component.results import cross_check
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files
from tuner_component.search.study import description as description_lib
from tuner_component.search.study import times
from tuner_component.search.study.history_reading import read_history

_log = logging.getLogger(__name__)

# How many levels an artifact may be below such a directory.
_LEVELS = 3


def load_study(uri: str | os.PathLike[str]) -> StudyRecord:
    """Loads all that is known of a study, whether it is running or finished.

    Needs neither the user's code nor TFX; TensorFlow only to read paths with a scheme
    (`gs://...`).

    Args:
        uri: A TunerResults artifact, or its `study.json`; or the directory of a study,
            which may be running; or a directory with studies below it: the one that
            `tuner-component tune` wrote to (its results, if the studies are gone), that of
            a pipeline's Tuner, the pipeline's root, or `TuneArgs.study_dir`. Of several
            studies the one that started last is taken, with a warning that names the
            others; one that cannot be read is passed over, with a warning that says
            why. Paths, or URIs.

    Returns:
        Typed objects; `to_frame()` gives a pandas frame of the trials.

    Raises:
        FileNotFoundError: If there is no study.
        ValueError: If it is something else, or of a newer version.
        StorageError: If it cannot be read.
    """
    path, data = _found(uri)
    description = _description(data, path)
    if description is None:
        study = StudyRecord.from_json(data, files.join(path, RECORD_FILE))
        _compare(study, path)
        return study
    history = read_history(path, description["id"], description)
    description = description_lib.agreed(description, history.study, path)
    return folding.study_record(history, description)


def find(uri: str | os.PathLike[str]) -> str:
    """The directory of the study, or of the record, that `load_study` would take.

    For who needs it more than once: what there is to warn of is said here, and not again.

    Args:
        uri: As for `load_study`.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is something else, or of a newer version.
        StorageError: If it cannot be read.
    """
    return _found(uri)[0]


def own_directory(uri: str | os.PathLike[str]) -> tuple[str, dict[str, Any]]:
    """The directory that a search works in, where more is than its results.

    Args:
        uri: As for `load_study`.

    Returns:
        Path or URI of the study that `load_study` would take, and what it says of itself.

    Raises:
        FileNotFoundError: If there is none: results alone may have been copied.
        ValueError: If it is something else, or of a newer version.
        StorageError: If it cannot be read.
    """
    path, data = _found(uri)
    if (description := _description(data, path)) is not None:
        return path, description
    study = StudyRecord.from_json(data, files.join(path, RECORD_FILE))
    above = path if files.is_remote(path) else os.path.abspath(path)
    for _ in range(_LEVELS):
        above = above.rpartition("/")[0]
        for parent in finding.BELOW:
            directory = files.join(above, parent, study.study_id)
            if files.exists(files.join(directory, RECORD_FILE)):
                return own_directory(directory)
    raise FileNotFoundError(
        f"Expected the study {study.study_id} near its results at {path}. Received: none "
        f"above it in {' or '.join(finding.BELOW)}. Name the study's own directory: the log of "
        "the search names it, below TuneArgs.study_dir if that was set."
    )


def _found(uri: str | os.PathLike[str]) -> tuple[str, bytes]:
    """The directory of a study or of its record, and the content of its file."""
    path = os.fspath(uri).rstrip("/")
    if os.path.basename(path) == RECORD_FILE:
        path = os.path.dirname(path)
    elif not files.exists(files.join(path, RECORD_FILE)):
        path = _newest_below(path)
    try:
        return path, files.read_bytes(files.join(path, RECORD_FILE))
    except FileNotFoundError:
        raise _no_study(path) from None


def _compare(study: StudyRecord, directory: str) -> None:
    """Warns if a record and the table of trials beside it are not of one search."""
    path = files.join(directory, cross_check.TABLE_FILE)
    try:
        table = files.read_bytes(path)
    except (FileNotFoundError, StorageError):
        return
    scores = {trial.trial_id: trial.score for trial in study.completed}
    if differing := cross_check.differing_scores(scores, table):
        _log.warning(
            "%s beside it has other scores of %d trials than %s: one of them was changed, "
            "or is of another search. The scores of the latter are used.",
            path,
            len(differing),
            RECORD_FILE,
        )


def _newest_below(path: str) -> str:
    """The directory of the study below `path` that started last; `path` without one."""
    started = _readable(finding.candidates(path))
    if not started:
        return path
    newest, *others = sorted(started, key=lambda name: started[name], reverse=True)
    if others:
        _log.warning(
            "There are %d studies below %s. Taking the one that started last: %s. To see "
            "another, name its directory: %s.",
            len(started),
            path,
            newest,
            ", ".join(others),
        )
    return newest


def _readable(directories: Iterable[str]) -> dict[str, float]:
    """Those that hold a study that can be read, and when it started.

    Raises:
        ValueError: If there are studies, and none of them can be read.
        StorageError: The same, and it is the filesystem that cannot be read.
    """
    started: dict[str, float] = {}
    unreadable: dict[str, Exception] = {}
    for directory in directories:
        try:
            started[directory] = _started(directory)
        except FileNotFoundError:
            pass  # Something else, or a study of which nothing is written yet.
        except (StorageError, ValueError) as error:
            unreadable[directory] = error
    if unreadable and not started:
        raise next(iter(unreadable.values()))
    for directory, reason in unreadable.items():
        _log.warning(
            "Passing over %s, which may have started last: %s", directory, reason
        )
    return started


def _started(directory: str) -> float:
    """When a study started, from its file; a damaged file raises, as in load_study."""
    path = files.join(directory, RECORD_FILE)
    data = files.read_bytes(path)
    description = _description(data, os.path.dirname(path))
    if description is None:
        return times.moment(StudyRecord.from_json(data, path).created)
    return times.moment(description.get("created"))


def _no_study(path: str) -> FileNotFoundError:
    received = (
        f"nothing with a {RECORD_FILE} in it, and no study below it or in its "
        f"{' or '.join(finding.BELOW)}. A search that was started just now has none until "
        "its libraries are imported"
        if files.exists(path)
        else "nothing at this path"
    )
    return FileNotFoundError(
        f"Expected a study at {path}. Received: {received}. Name the TunerResults artifact "
        "that the Tuner published, the study's directory (its log names it), the "
        "directory of the pipeline's Tuner, the pipeline's root, or the one that "
        "`tuner-component tune` or a script's tune() wrote to."
    )


def _description(data: bytes, directory: str) -> dict[str, Any] | None:
    """What the `study.json` of a study's own directory says; None if it is another's."""
    try:
        content = decoding.decode(data, dict[str, Any])
    except DecodingError:
        content = {}
    if content.get("kind") == KIND:
        return None
    # What is left of a file may not tell; what stands beside it does.
    is_own = {"id", "fingerprint"} <= content.keys()
    if not is_own and not files.exists(files.join(directory, "journal")):
        return None
    path = files.join(directory, RECORD_FILE)
    try:
        return description_lib.parse(data, path)
    except DecodingError as error:
        raise ValueError(
            f"Expected {path} to say which study this is. Received: {error}. Run the "
            "search again: it finds in the journal what it needs, and goes on. Or copy "
            "the study again from where it was copied."
        ) from error
