"""A study: one search in a directory of its own, that can be stopped and gone on with.

`study.json` says what the study is, `journal/` what happened in it. `trials/<id>/` holds
what belongs to single trials, and `workdir/` is where the user's tuner keeps its files.
"""

import enum
import json
import logging
import platform
import random
import time
from collections.abc import Mapping
from importlib import metadata
from types import TracebackType
from typing import Any, final

from tuner_component.search.errors import (
    StudyLockedError,
    StudyMismatchError,
    StudyVersionError,
)
from tuner_component.search.storage import faults, files
from tuner_component.search.study.fingerprint import STUDY_FILE, differences, study_id
from tuner_component.search.study.journal import Journal
from tuner_component.search.study.lock import StudyLock
from tuner_component.version import __version__

FORMAT_VERSION = 1

# What may decide over results: their versions are recorded where they are installed.
_RECORDED = ("jax", "keras", "keras-tuner", "numpy", "tensorflow", "tfx", "torch")

_CREATE_BEFORE = faults.declare(
    "study.create.before", "the study has a lock and no description yet"
)
_CREATE_AFTER = faults.declare(
    "study.create.after", "the study's description is durable, its journal is empty"
)
_FINISH_BEFORE = faults.declare(
    "study.finish.before", "all trials have ended, the study does not say so yet"
)
_FINISH_AFTER = faults.declare("study.finish.after", "the study says it is finished")

_log = logging.getLogger(__name__)


class StudyState(enum.Enum):
    """How a study was found when it was opened."""

    NEW = "new"
    RESUMED = "resumed"
    FINISHED = "finished"


@final
class Study:
    """A study, opened for its only driver, or finished and open for reading.

    Attributes:
        directory: Path or URI of the study.
        id: Short name, made from the fingerprint.
        fingerprint: The parts that shape the search.
        seed: The study's seed, from which every trial's is derived.
        state: How it was found.
        journal: Its records.
    """

    def __init__(
        self,
        directory: str,
        description: dict[str, Any],
        state: StudyState,
        journal: Journal,
        lock: StudyLock | None,
    ) -> None:
        """Internal: use `Study.open`."""
        self.directory = directory
        self.state = state
        self.journal = journal
        self.fingerprint: Mapping[str, str] = description["fingerprint"]
        self.id: str = description["id"]
        self.seed: int = description["seed"]
        self._description = description
        self._lock = lock

    @classmethod
    def open(
        cls,
        directory: str,
        fingerprint: Mapping[str, str],
        seed: int | None = None,
        *,
        stale_after: float = 120.0,
    ) -> "Study":
        """Opens a study, creating it if need be.

        Args:
            directory: Path or URI, of this study alone.
            fingerprint: The parts that shape the search, by name.
            seed: The study's seed; drawn at random if None. Counts for a new study only:
                a resumed one keeps the seed it began with.
            stale_after: Seconds without a sign of life after which the lock of another
                driver is taken over, where the filesystem has no locks.

        Returns:
            The study, locked for this process unless it is finished.

        Raises:
            StudyMismatchError: Another search's study is there.
            StudyVersionError: A newer release wrote it.
            StudyLockedError: Another driver has it open.
            StorageError: It cannot be read or written.
        """
        description = _read_description(directory, fingerprint)
        if description and description["status"] == "finished":
            return cls._open_finished(directory, description)
        files.makedirs(directory)
        lock = StudyLock(directory, stale_after=stale_after)
        lock.acquire()
        try:
            # Another driver may have had it until just now.
            description = _read_description(directory, fingerprint)
            if description and description["status"] == "finished":
                lock.release()
                return cls._open_finished(directory, description)
            return cls._open_running(directory, description, fingerprint, seed, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _open_finished(cls, directory: str, description: dict[str, Any]) -> "Study":
        journal = Journal(_journal_of(directory), description["id"], read_only=True)
        return cls(directory, description, StudyState.FINISHED, journal, None)

    @classmethod
    def _open_running(
        cls,
        directory: str,
        description: dict[str, Any] | None,
        fingerprint: Mapping[str, str],
        seed: int | None,
        lock: StudyLock,
    ) -> "Study":
        journal = Journal(_journal_of(directory), study_id(fingerprint))
        begun = _first_record(journal)
        state = StudyState.RESUMED if description or begun else StudyState.NEW
        if description is None:
            description = _new_description(fingerprint, seed)
            if begun:  # The description was damaged; the journal remembers.
                description.update(seed=begun["seed"], created=begun["created"])
            faults.point(_CREATE_BEFORE)
            _write_description(directory, description)
            faults.point(_CREATE_AFTER)
        if begun is None:
            kept = {key: description[key] for key in ("seed", "created", "fingerprint")}
            journal.append({"kind": "study", **kept})
        if seed is not None and seed != description["seed"]:
            _log.warning(
                "The study %s goes on with its own seed %d, not with %d.",
                directory,
                description["seed"],
                seed,
            )
        for name in ("trials", "workdir"):
            files.makedirs(files.join(directory, name))
        return cls(directory, description, state, journal, lock)

    @property
    def workdir(self) -> str:
        """Where the user's tuner keeps its files; survives with the study."""
        return self.workdir_of(self.directory)

    @staticmethod
    def workdir_of(directory: str) -> str:
        """The `workdir` of the study in a directory, whether it is there yet or not."""
        return files.join(directory, "workdir")

    def trial_directory(self, trial_id: str) -> str:
        """Directory of what belongs to one trial; created if need be."""
        directory = files.join(self.directory, "trials", trial_id)
        files.makedirs(directory)
        return directory

    def commit(self) -> None:
        """Makes the records appended to the journal durable.

        Raises:
            StudyLockedError: Another driver took the study over.
            StorageError: They cannot be written.
        """
        if self._lock is None:
            raise StudyLockedError(
                f"Expected an open study. Received: {self.directory}, which is closed or "
                "finished. Open it again."
            )
        self._lock.check()
        self.journal.commit()

    def mark_finished(self) -> None:
        """Declares the search complete: it is not extended when opened again."""
        if self.state is StudyState.FINISHED:
            return
        self.commit()
        faults.point(_FINISH_BEFORE)
        self._description["status"] = "finished"
        self._description["finished"] = _now()
        _write_description(self.directory, self._description)
        faults.point(_FINISH_AFTER)
        self.state = StudyState.FINISHED

    def close(self) -> None:
        """Gives up the lock; what was committed stays. Fine to call twice."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> "Study":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _journal_of(directory: str) -> str:
    return files.join(directory, "journal")


def _first_record(journal: Journal) -> dict[str, Any] | None:
    """The record a study begins with, if the journal still has it."""
    record = next(journal.records(), {})
    return record if record.get("kind") == "study" else None


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _new_description(
    fingerprint: Mapping[str, str], seed: int | None
) -> dict[str, Any]:
    return {
        "format": FORMAT_VERSION,
        "id": study_id(fingerprint),
        "created": _now(),
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


def _versions(*packages: str) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _write_description(directory: str, description: Mapping[str, Any]) -> None:
    data = json.dumps(description, indent=2).encode()
    files.write_bytes(files.join(directory, STUDY_FILE), data)


def _read_description(
    directory: str, fingerprint: Mapping[str, str]
) -> dict[str, Any] | None:
    """The study's own description; None if there is none that can be read."""
    path = files.join(directory, STUDY_FILE)
    try:
        description: dict[str, Any] = json.loads(files.read_bytes(path))
        version, known = int(description["format"]), dict(description["fingerprint"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        # Left in place: the holder of the lock replaces it.
        _log.warning("%s is damaged; the journal beside it is used.", path)
        return None
    if version > FORMAT_VERSION:
        raise StudyVersionError(
            f"Expected a study of format {FORMAT_VERSION} or older in {directory}. "
            f"Received: format {version}, which a newer release wrote. Upgrade "
            "tfx-tuner-component, or choose another study directory; nothing was "
            "changed."
        )
    if changed := differences(known, fingerprint):
        raise StudyMismatchError(
            f"Expected the study of this search in {directory}. Received: a study that "
            f"differs in {'; '.join(changed)}. Choose another study directory, or move "
            "that one away."
        )
    return description
