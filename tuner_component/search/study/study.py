"""A study: one search in a directory of its own, that can be stopped and resumed.

`study.json` says what the study is, `journal/` what happened in it. `trials/<id>/` holds
what belongs to single trials, and `workdir/` is where the user's tuner keeps its project.
"""

import contextlib
import enum
import logging
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, final

from tuner_component.search.errors import StudyLockedError
from tuner_component.search.storage import conditional, faults, files, names
from tuner_component.search.study import description as description_lib
from tuner_component.search.study import records as records_lib
from tuner_component.search.study.fingerprint import study_id
from tuner_component.search.study.history import History, history_of
from tuner_component.search.study.journal import Journal
from tuner_component.search.study.lock import StudyLock

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


class _Wanted(NamedTuple):
    """What a finished study may go on for: see `Study.open`."""

    confirm_top: int
    confirm_seeds: int
    stop_when: str | None


@final
class Study:
    """A study, opened for its only driver, or finished and open for reading.

    Attributes:
        directory: Path or URI of the study.
        id: Short name, made from the fingerprint.
        fingerprint: The parts that shape the search.
        seed: The study's seed, from which every trial's is derived.
        found: How it was found when it was opened; stays so.
        journal: Its records.
    """

    def __init__(
        self,
        directory: str,
        description: dict[str, Any],
        found: StudyState,
        journal: Journal,
        lock: StudyLock | None,
        file: conditional.File | None = None,
    ) -> None:
        """Internal: use `Study.open`."""
        self.directory = directory
        self.found = found
        self.journal = journal
        self.fingerprint: Mapping[str, str] = description["fingerprint"]
        self.id: str = description["id"]
        self.seed: int = description["seed"]
        self._description = description
        self._lock = lock
        self._file = file or description_lib.file_of(directory)

    @classmethod
    def open(
        cls,
        directory: str,
        fingerprint: Mapping[str, str],
        seed: int | None = None,
        *,
        stale_after: float = 120.0,
        confirm_top: int = 0,
        confirm_seeds: int = 3,
        stop_when: str | None = None,
    ) -> "Study":
        """Opens a study, creating it if need be.

        Args:
            directory: Path or URI, of this study alone.
            fingerprint: The parts that shape the search, by name.
            seed: The study's seed; drawn at random if None. Counts for a new study only:
                a resumed one keeps its own.
            stale_after: Seconds without a sign of life after which the lock of another
                driver is taken over, where the filesystem has no locks.
            confirm_top: How many of the best trials are to be run again once the search is
                over. A finished study in which they were not goes on with that.
            confirm_seeds: How often each of them is.
            stop_when: By which condition the search may end before all trials were run. A
                study that was finished by another one goes on.

        Returns:
            The study, locked for this process unless it is finished.

        Raises:
            StudyMismatchError: Another search's study is there.
            StudyVersionError: A newer release wrote it.
            StudyLockedError: Another driver has it open.
            StorageError: It cannot be read or written.
        """
        description = description_lib.read(directory, fingerprint)
        wanted = _Wanted(confirm_top, confirm_seeds, stop_when)
        if finished := cls._open_finished(directory, description, wanted):
            return finished
        files.makedirs_anew(directory)
        lock = StudyLock(directory, stale_after=stale_after)
        lock.acquire()
        try:
            # Another driver may have had it until just now.
            file = description_lib.file_of(directory, lock.store)
            description = description_lib.read(directory, fingerprint, file)
            if finished := cls._open_finished(directory, description, wanted):
                lock.release()
                return finished
            return cls._open_running(
                directory, description, fingerprint, seed, lock, file, stop_when
            )
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _open_finished(
        cls,
        directory: str,
        description: dict[str, Any] | None,
        wanted: _Wanted,
    ) -> "Study | None":
        """The study if it is finished, has all that it had then, and nothing is wanted."""
        if not description or not description_lib.stays_finished(
            description, wanted.stop_when
        ):
            return None
        end = description_lib.journal_end(description)
        journal = Journal(
            _journal_of(directory),
            description["id"],
            read_only=True,
            end=end,
            gone_without=description_lib.gone_without(description),
        )
        if description_lib.has_lost(description, journal.missing, journal.is_right):
            return None
        top, seeds = wanted.confirm_top, wanted.confirm_seeds
        if top and history_of(journal, description).lacks_reruns(top, seeds):
            return None
        first = _first_record(journal) or {}
        description = description_lib.agreed(description, first, directory)
        return cls(directory, description, StudyState.FINISHED, journal, None)

    @classmethod
    def _open_running(
        cls,
        directory: str,
        description: dict[str, Any] | None,
        fingerprint: Mapping[str, str],
        seed: int | None,
        lock: StudyLock,
        file: conditional.File,
        stop_when: str | None,
    ) -> "Study":
        end = description_lib.journal_end(description or {})
        journal = Journal(
            _journal_of(directory),
            study_id(fingerprint),
            end=end,
            is_new=description is None,
            store=lock.store,
        )
        first = _first_record(journal)
        is_known = description or first or journal.end.records
        found = StudyState.RESUMED if is_known else StudyState.NEW
        known = description
        if known is not None:
            description = description_lib.agreed(known, first or {}, directory)
        else:
            description = description_lib.new(fingerprint, seed)
            if first:  # The description was damaged; the journal remembers.
                description.update(seed=first["seed"], created=first["created"])
            elif is_known:
                _log.warning(
                    "The seed of the study %s is lost. It goes on with %d.",
                    directory,
                    description["seed"],
                )
        description = _without_what_is_lost(directory, journal, description, stop_when)
        if lock.store is not None:
            # Another content, and so another version: the run before cannot replace it.
            description = {**description, "run": journal.end.run}
        if description != known:
            faults.point(_CREATE_BEFORE)
            description_lib.write(file, description)
            faults.point(_CREATE_AFTER)
        if first is None:
            kept = {key: description[key] for key in description_lib.REMEMBERED}
            journal.append({"kind": "study", **kept})
        journal.claim(lock.writing)
        if seed is not None and seed != description["seed"]:
            _log.warning(
                "The study %s goes on with its own seed %d, not with %d.",
                directory,
                description["seed"],
                seed,
            )
        for part in ("trials", "workdir"):
            files.makedirs(files.join(directory, part))
        return cls(directory, description, found, journal, lock, file)

    @property
    def is_finished(self) -> bool:
        """Whether the search is complete, by now or since it was found."""
        return description_lib.is_finished(self._description)

    @property
    def search_is_over(self) -> bool:
        """Whether its oracle has nothing more to say: only re-runs are still to come."""
        return description_lib.is_over(self._description)

    @property
    def workdir(self) -> str:
        """Where the user's tuner keeps its project; survives with the study."""
        return self.workdir_of(self.directory)

    @staticmethod
    def workdir_of(directory: str) -> str:
        """The `workdir` of the study in a directory, whether it is there yet or not."""
        return files.join(directory, "workdir")

    def commit(self) -> None:
        """Makes the records appended to the journal durable.

        Raises:
            StudyLockedError: Another driver took the study over.
            StorageError: They cannot be written.
        """
        self.journal.commit(self._writing)

    def mark_finished(
        self, completed: Iterable[str] = (), ended_by: str | None = None
    ) -> None:
        """Declares the search complete: it is not extended when opened again.

        Args:
            completed: Ids of the trials that completed.
            ended_by: The condition by which it ended before all trials were run; None if
                they were. With another condition, or none, it goes on.

        Raises:
            StudyLockedError: Another driver took the study over.
            StorageError: It cannot be written.
        """
        if self.is_finished:
            return
        self.commit()
        faults.point(_FINISH_BEFORE)
        description = description_lib.finished(
            self._description,
            self.journal.end,
            self.journal.missing,
            completed,
            ended_by,
        )
        with self._writing():
            description_lib.write(self._file, description)
        faults.point(_FINISH_AFTER)
        # Not before it is durable: a search that could not say so is not finished.
        self._description = description

    def require_lock(self) -> None:
        """Raises if the study is known to be lost; cheap, to be called now and then.

        Raises:
            StudyLockedError: It was moved or removed, or another driver took it over.
        """
        if self._lock is not None:
            self._lock.glance()

    def _writing(self) -> contextlib.AbstractContextManager[Callable[[], None]]:
        if self._lock is None:
            raise StudyLockedError(
                f"Expected an open study. Received: {self.directory}, which is closed or "
                "finished. Open it again."
            )
        return self._lock.writing()

    def close(self) -> None:
        """Gives up the lock; what was committed stays. Fine to call twice."""
        if self._lock is None:
            return
        # Who lost the lock must not write beside its new holder.
        with contextlib.suppress(StudyLockedError), self._lock.writing():
            self.journal.close()
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


def _without_what_is_lost(
    directory: str,
    journal: Journal,
    description: dict[str, Any],
    stop_when: str | None,
) -> dict[str, Any]:
    """The description with which a search goes on, whatever its journal has lost."""
    if journal.missing or not journal.is_right:
        _leave_trainings(directory, history_of(journal, description))
    if not description_lib.is_finished(description):
        return description
    if description_lib.has_lost(description, journal.missing, journal.is_right):
        _log.warning(
            "The study %s was finished, and records of it are lost: its search goes on "
            "with what is there, and runs again what is not.",
            directory,
        )
        return description_lib.reopened(description)
    if description_lib.stays_finished(description, stop_when):
        _log.info("The study %s is finished. Its best trials are confirmed.", directory)
        return description_lib.reopened(description, is_over=True)
    _log.info(
        "The study %s had ended before all trials were run. Its search goes on.",
        directory,
    )
    return description_lib.reopened(description)


def _leave_trainings(directory: str, history: History) -> None:
    """Removes the trainings of trials that the journal does not know any more.

    Their ids will be given to other trials, which must not continue them.
    """
    unfinished = (*history.unfinished(), *history.unfinished_reruns())
    known = {names.component(trial_id) for trial_id in unfinished}
    trials = files.join(directory, "trials")
    for name in files.list_names(trials):
        if name not in known:
            files.remove_tree(files.join(trials, name, "training"))


def _first_record(journal: Journal) -> dict[str, Any] | None:
    """The record a study begins with, if the journal still has it."""
    record = next(journal.records(), {})
    is_first = record.get("kind") == "study" and records_lib.fault(record) is None
    return record if is_first else None
