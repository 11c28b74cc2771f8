"""Loading the record of a study: from its artifact, its directory, or one above it."""

import json
import logging
import os
from collections.abc import Iterable
from typing import Any

from tuner_component.report import folding
from tuner_component.report.record import KIND, RECORD_FILE, StudyRecord
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files
from tuner_component.search.study import times
from tuner_component.search.study.history import read_history

_log = logging.getLogger(__name__)

# Where studies are below the directories that people know: the output directory of
# `tuner-component tune`, and that of a pipeline's node.
_BELOW = ("studies", ".system/studies")


def load_study(uri: str | os.PathLike[str]) -> StudyRecord:
    """Loads all that is known of a study, whether it is running or finished.

    Needs neither the user's code nor TFX; TensorFlow only to read paths with a scheme
    (`gs://...`).

    Args:
        uri: A TunerResults artifact, or its `study.json`; or the directory of a study,
            which may be running; or a directory with studies below it: the one that
            `tuner-component tune` wrote to, or that of a pipeline's Tuner. Of several
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
    path = os.fspath(uri).rstrip("/")
    if os.path.basename(path) == RECORD_FILE:
        path = os.path.dirname(path)
    elif not files.exists(files.join(path, RECORD_FILE)):
        path = _newest_below(path)
    try:
        data = files.read_bytes(files.join(path, RECORD_FILE))
    except FileNotFoundError:
        raise _no_study(path) from None
    description = _description(data)
    if description is None:
        return StudyRecord.from_json(data, files.join(path, RECORD_FILE))
    history = read_history(path, description["id"], description)
    return folding.study_record(history, description)


def _newest_below(path: str) -> str:
    """The directory of the study below `path` that started last; `path` without one."""
    below = [
        files.join(path, parent, name)
        for parent in _BELOW
        for name in files.list_names(files.join(path, parent))
    ]
    started = _readable(below)
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
    description = _description(data)
    if description is None:
        return times.moment(StudyRecord.from_json(data, path).created)
    return times.moment(description.get("created"))


def _no_study(path: str) -> FileNotFoundError:
    return FileNotFoundError(
        f"Expected a study at {path}. Received: nothing with a {RECORD_FILE} in it, and "
        f"no study below it in {' or '.join(_BELOW)}. Name the TunerResults artifact "
        "that the Tuner published, the study's directory (its log names it), the "
        "directory of the pipeline's Tuner, or the one that `tuner-component tune` wrote "
        "to."
    )


def _description(data: bytes) -> dict[str, Any] | None:
    """What a study's own directory says of it; None if this is something else."""
    try:
        content = json.loads(data)
    except ValueError:
        return None
    if not isinstance(content, dict) or content.get("kind") == KIND:
        return None
    return content if {"id", "fingerprint"} <= content.keys() else None
