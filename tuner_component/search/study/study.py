"""A study: one search in a directory of its own, that can be stopped and resumed.

`study.json` says what the study is, `journal/` what happened in it. `trials/<id>/` holds
what belongs to single trials, and `workdir/` is where the user's tuner keeps its project.
"""

import contextlib
import enum
import logging
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, final

from tuner_component.search.errors import StudyLockedError
from tuner_component.search.journal.journal import Journal
from tuner_component.search.lock.lock import StudyLock
from tuner_component.search.options import RetryOptions
from tuner_component.search.storage import conditional, faults, files
from tuner_component.search.study import description as description_lib
from tuner_component.search.study import records as records_lib
from tuner_component.search.study import retries
from tuner_component.search.study.fingerprint import study_id
from tuner_component.search.study.going_on import Wanted, going_on
from tuner_component.search.study.history_reading import history_of

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
        found: How it was found when it was opened; stays so.
        journal: Its records.
        asked_for: Records, of failed trials to be run again, that follow those which were
            there when it was opened.
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
        self.asked_for: list[dict[str, Any]] = []
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
        max_trials: int | None = None,
        retry: RetryOptions | None = None,
        go_on: bool = False,
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
            max_trials: How many trials it is to have. A finished study that was to have
                fewer goes on; so does one of which only re-runs were still to come.
            retry: Which failed trials are to be run again: see `asked_for`. A finished
                study with such trials goes on.
            go_on: Whether a search goes on that somebody has stopped, be its study finished
                by now or not.

        Returns:
            The study, locked for this process unless it is finished.

        Raises:
            StudyMismatchError: Another search's study is there.
            StudyVersionError: A newer release wrote it.
            StudyLockedError: Another driver has it open.
            StorageError: It cannot be read or written.
        """
        description = description_lib.read(directory, fingerprint)
        wanted = Wanted(confirm_top, confirm_seeds, stop_when, max_trials, retry, go_on)
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
                directory, description, fingerprint, seed, lock, file, wanted
            )
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _open_finished(
        cls,
        directory: str,
        description: dict[str, Any] | None,
        wanted: Wanted,
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
        if wanted.asks:
            history = history_of(journal, description)
            if wanted.reopens(description, history):
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
        wanted: Wanted,
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
        description = going_on(directory, journal, description, wanted)
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
        study = cls(directory, description, found, journal, lock, file)
        if wanted.retry is not None:
            study._ask_for(wanted.retry)
        return study

    def _ask_for(self, retry: RetryOptions) -> None:
        """Has failed trials run again; durable with the next commit."""
        history = history_of(self.journal, self._description)
        retries.warn_of_unknown(history, retry)
        self.asked_for = retries.records(history, retries.chosen(history, retry))
        for record in self.asked_for:
            self.journal.append(record)

    @property
    def is_finished(self) -> bool:
        """Whether the search is complete, by now or since it was found."""
        return description_lib.is_finished(self._description)

    @property
    def is_untried(self) -> bool:
        """Whether no trial had ended when it was opened: any fault is still to be seen."""
        return self.found is not StudyState.FINISHED and not any(
            record.get("kind") == "ended" for record in self.journal.records()
        )

    @property
    def search_is_over(self) -> bool:
        """Whether its oracle has nothing more to say: only re-runs are still to come."""
        return description_lib.is_over(self._description)

    @property
    def heeded(self) -> int:
        """Who asked before this record that the search should end has been heeded."""
        return description_lib.heeded(self._description)

    def heed(self) -> None:
        """Has the search not end any more for those who have asked that so far.

        Raises:
            StudyLockedError: Another driver took the study over.
            StorageError: It cannot be written.
        """
        self.commit()
        end = self.journal.end.records
        description = description_lib.reopened(self._description, heeded=end)
        with self._writing():
            description_lib.write(self._file, description)
        self._description = description

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
        """Declares the search complete: opened again, it runs no trial unless more is wanted.

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


def _first_record(journal: Journal) -> dict[str, Any] | None:
    """The record a study begins with, if the journal still has it."""
    record = next(journal.records(), {})
    is_first = record.get("kind") == "study" and records_lib.fault(record) is None
    return record if is_first else None
