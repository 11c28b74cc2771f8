"""What `study.json` says: which search a study is of, and whether it is finished.

It is plain data, written whole, with a checksum. If it is damaged, the journal beside it
remembers what cannot be found out again.
"""

import json
import logging
import platform
import random
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any, Literal

import msgspec

from tuner_component.documents import decoding, seal
from tuner_component.documents.decoding import DecodingError
from tuner_component.search.errors import StudyMismatchError, StudyVersionError
from tuner_component.search.journal.journal_end import End
from tuner_component.search.storage import conditional, files
from tuner_component.search.study import times
from tuner_component.search.study.fingerprint import STUDY_FILE, differences, study_id
from tuner_component.search.study.requests import BY_REQUEST
from tuner_component.version import __version__

FORMAT_VERSION = 1

# What may decide over results: their versions are recorded where they are installed.
_RECORDED = ("jax", "keras", "keras-tuner", "numpy", "tensorflow", "tfx", "torch")

# What the first record of the journal repeats.
REMEMBERED = ("seed", "created", "fingerprint")

_log = logging.getLogger(__name__)


class _Format(msgspec.Struct):
    """What descriptions of all releases have, later ones too."""

    format: int


class _Journal(msgspec.Struct):
    """What the description of a finished study tells of its journal: see `finished`."""

    records: int
    chain: str
    missing: list[tuple[int, int]]
    completed: list[str]
    run: int = 0


class _Form(msgspec.Struct):
    """What a description has."""

    id: str
    created: str
    status: Literal["running", "finished"]
    seed: int
    fingerprint: dict[str, str]
    versions: dict[str, str] = msgspec.field(default_factory=dict)
    finished: str | None = None
    journal: _Journal | None = None
    ended_by: str | None = None
    heeded: int = 0


def new(fingerprint: Mapping[str, str], seed: int | None) -> dict[str, Any]:
    """The description of a study that is created now.

    Args:
        fingerprint: The parts that shape the search, by name.
        seed: The study's seed; drawn at random if None.
    """
    return {
        "format": FORMAT_VERSION,
        "id": study_id(fingerprint),
        "created": times.now(),
        "status": "running",
        # 31 bits: every framework takes a seed of that size.
        "seed": random.SystemRandom().randrange(2**31) if seed is None else seed,
        "fingerprint": dict(fingerprint),
        "versions": {
            "tuner_component": __version__,
            "python": platform.python_version(),
            **_versions(*_RECORDED),
        },
    }


def finished(
    description: Mapping[str, Any],
    end: End,
    missing: Iterable[tuple[int, int]] = (),
    completed_trials: Iterable[str] = (),
    ended_by: str | None = None,
) -> dict[str, Any]:
    """The same of a study whose search is complete.

    Args:
        description: Of the study until now.
        end: Where its journal ends.
        missing: First and last numbers of records that the search went on without.
        completed_trials: Their ids.
        ended_by: The condition by which it ended before all trials were run, if one did.
    """
    journal = {
        **end.told(),
        "missing": [list(numbers) for numbers in missing],
        "completed": list(completed_trials),
    }
    told = {"status": "finished", "finished": times.now(), "journal": journal}
    early = {} if ended_by is None else {"ended_by": ended_by}
    return {**description, **told, **early}


def reopened(
    description: Mapping[str, Any], *, is_over: bool = False, heeded: int | None = None
) -> dict[str, Any]:
    """The same of a study that was finished, and has to go on.

    Args:
        description: Of the study.
        is_over: Whether its search itself does not: only its best trials are run again.
        heeded: The number of a record of its journal: who asked before it that the search
            should end has been heeded. None for as before.
    """
    gone = {"finished", "journal", "over"} | (set() if is_over else {"ended_by"})
    told = {k: v for k, v in description.items() if k not in gone}
    if heeded is not None:
        told["heeded"] = heeded
    return {**told, "status": "running", **({"over": True} if is_over else {})}


def is_over(description: Mapping[str, Any]) -> bool:
    """Whether no new trial is to be suggested, although the study may not be finished."""
    return description.get("over") is True


def heeded(description: Mapping[str, Any]) -> int:
    """Who asked before this record of the journal that the search should end was heeded."""
    number = description.get("heeded", 0)
    return number if type(number) is int else 0


def was_stopped(description: Mapping[str, Any]) -> bool:
    """Whether a search was finished because somebody asked that it should end."""
    return is_finished(description) and description.get("ended_by") == BY_REQUEST


def journal_end(description: Mapping[str, Any]) -> End | None:
    """Where the journal of a finished study ends; None if its description does not tell."""
    return End.of(description.get("journal"))


def gone_without(description: Mapping[str, Any]) -> set[tuple[int, int]]:
    """First and last numbers of lost records without which a search was finished."""
    journal = description.get("journal") or {}
    return {(first, last) for first, last in journal.get("missing", ())}


def completed(description: Mapping[str, Any]) -> list[str]:
    """Ids of the trials that had completed when the study was finished."""
    journal = description.get("journal") or {}
    return list(journal.get("completed", ()))


def has_lost(
    description: Mapping[str, Any], missing: Iterable[tuple[int, int]], is_right: bool
) -> bool:
    """Whether a finished study has lost something that it had when it was finished.

    Args:
        description: Of the study.
        missing: First and last numbers of records that its journal lacks.
        is_right: Whether the others are those that were committed.
    """
    return bool(set(missing) - gone_without(description)) or not is_right


def is_finished(description: Mapping[str, Any]) -> bool:
    """Whether the search that a description is of is complete."""
    return description.get("status") == "finished"


def stays_finished(description: Mapping[str, Any], stop_when: str | None) -> bool:
    """Whether a search is complete that may end by a condition.

    Args:
        description: Of its study.
        stop_when: The condition that it has today; None for none.
    """
    ended_by = description.get("ended_by")
    return is_finished(description) and ended_by in (None, stop_when, BY_REQUEST)


def read(
    directory: str,
    fingerprint: Mapping[str, str],
    file: conditional.File | None = None,
) -> dict[str, Any] | None:
    """The description of the study in a directory; None if none there can be read.

    Args:
        directory: The study's directory.
        fingerprint: The parts that shape the search that is about to open it.
        file: The description's file, if it is to be written later.

    Raises:
        StudyMismatchError: It is another search's study.
        StudyVersionError: A newer release wrote it.
        StorageError: The filesystem cannot be read.
    """
    path = files.join(directory, STUDY_FILE)
    try:
        description = parse((file or file_of(directory)).read(), path)
        if description["id"] != study_id(description["fingerprint"]):
            raise DecodingError("its id is not that of its fingerprint")
    except FileNotFoundError:
        return None
    except DecodingError as error:
        # Left in place: the holder of the lock replaces it.
        _log.warning("%s is damaged (%s); the journal beside it is used.", path, error)
        return None
    if changed := differences(description["fingerprint"], fingerprint):
        raise StudyMismatchError(
            f"Expected the study of this search in {directory}. Received: a study that "
            f"differs in {'; '.join(changed)}. Choose another study directory, or move "
            "that one away."
        )
    return description


def parse(data: bytes, path: str) -> dict[str, Any]:
    """The description that a file holds, if it is as it was written.

    Args:
        data: The file's content.
        path: The file, for messages.

    Raises:
        DecodingError: It holds something else, or was changed.
        StudyVersionError: A newer release wrote it.
    """
    content = decoding.decode(data, dict[str, Any])
    version = decoding.check(content, _Format).format
    if version > FORMAT_VERSION:
        raise StudyVersionError(
            f"Expected a study of format {FORMAT_VERSION} or older in {path}. "
            f"Received: format {version}, which a newer release wrote. Upgrade "
            "tfx-tuner-component, or choose another study directory; nothing was "
            "changed."
        )
    decoding.check(content, _Form)
    if not seal.is_intact(content):
        raise DecodingError("it was changed since it was written, by its checksum")
    content.pop(seal.FIELD, None)
    return content


def agreed(
    description: Mapping[str, Any], told: Mapping[str, Any], directory: str
) -> dict[str, Any]:
    """A description with what the journal knows better, which is said in a warning.

    Earlier releases wrote descriptions that do not show it when they are changed.

    Args:
        description: As `read` returned it.
        told: The record that the study's journal begins with; empty if it is lost.
        directory: The study's directory.
    """
    differing = {
        key: told[key]
        for key in REMEMBERED
        if key in told and told[key] != description[key]
    }
    for key, value in differing.items():
        _log.warning(
            "The %s of the study %s is %s, by its journal. Its %s says %s, which is not "
            "used.",
            key,
            directory,
            value,
            STUDY_FILE,
            description[key],
        )
    return {**description, **differing}


def file_of(directory: str, store: conditional.Store | None = None) -> conditional.File:
    """The file of a study's description.

    Args:
        directory: The study's directory.
        store: Of its URI, if it writes on condition.
    """
    return conditional.File(files.join(directory, STUDY_FILE), store)


def write(file: conditional.File, description: Mapping[str, Any]) -> None:
    """Makes a study's description durable, whole or not at all.

    Raises:
        RefusedError: Another search has changed it.
        StorageError: It cannot be written; an older one is as it was.
    """
    file.write(json.dumps(seal.sealed(description), indent=2).encode())


def _versions(*packages: str) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
